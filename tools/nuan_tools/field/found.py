"""A meter that was found on a line: who it is, which model reads it, what it says now.

Never more than a proposal: `why` says how sure a model is, `state` how sure a CJ/T 188 dialect.
"""

from dataclasses import dataclass, field

from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.cjt188.frame import parse as parse_cjt188
from nuan_protocols.cjt188.frame import printed_address
from nuan_protocols.cjt188.trial import Trial
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import secondary, telegram
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.meters.status import Condition
from nuan_protocols.reading import Reading
from nuan_tools.field import guess_modbus, models
from nuan_tools.field.asking import profiles
from nuan_tools.field.heard import Heard
from nuan_tools.i18n import tr


@dataclass
class Found:
    """A meter, described.

    serial      what a site file may call it
    secondary   M-Bus: its secondary address, 16 digits, "" if it has none
    model       None: no model is known to read it; `others` would read it as well
    dialect, state, reason   CJ/T 188: the most credible dialect, whether it is proved, and why
    values      everything that was said; `readings` what the model makes of it
    """

    heard: Heard
    serial: str
    secondary: str = ""
    maker: str = ""
    medium: str = ""
    model: str | None = None
    others: list[str] = field(default_factory=list[str])
    why: str = ""
    dialect: str = ""
    state: str = ""
    reason: str = ""
    values: list[Reading] = field(default_factory=list[Reading])
    readings: list[Reading] = field(default_factory=list[Reading])
    conditions: list[Condition] = field(default_factory=list[Condition])

    @property
    def protocol(self) -> str:
        """As site files write it."""
        return self.heard.protocol

    @property
    def address(self) -> int | str:
        """As site files write it."""
        return self.heard.address

    @property
    def key_reading(self) -> Reading | None:
        """The register that bills are made from, or the first value there is."""
        good = [each for each in self.readings if each.integer is not None and each.status == "ok"]
        if self.model is not None:
            billing = registry.profile(self.model).billing
            for reading in good:
                if billing is not None and models.is_register(reading, billing):
                    return reading
        return good[0] if good else None


def describe(heard: Heard, model: str | None = None, dialect: str | None = None) -> Found:
    """Works out who it is and what it says, by a given model or dialect or the likeliest one.

    Raises ProtocolError when the answers can't be read at all.
    """
    found = _DESCRIBE[heard.protocol](heard, model, dialect)
    found.readings = found.values
    if found.model is not None:
        profile = registry.profile(found.model)
        if heard.protocol != "dlt645":
            found.readings = _readings(heard, profile)
        if heard.protocol == "modbus":
            found.values = found.readings
        found.conditions = registry.status(profile, found.readings)
    return found


def _mbus(heard: Heard, model: str | None, _: str | None) -> Found:
    answers = [answer for _, answer in heard.exchanges]
    first = telegram.decode(answers[0])
    who = secondary.who(answers[0])
    found = Found(heard, f"mbus-{heard.address}")
    if who:
        found.secondary = secondary.printed(who)
        found.serial = found.secondary[: 2 * secondary.IDENTIFICATION_BYTES]
    if first.header is not None:
        found.maker = first.header.manufacturer.replace("@", "")
        found.medium = first.header.medium[1]
    found.values = [reading for answer in answers for reading in telegram.decode(answer).readings]
    candidates = [model] if model else models.of_mbus(first.header, answers)
    _propose(found, candidates, tr("its telegram names its registers"))
    return found


def _modbus(heard: Heard, model: str | None, _: str | None) -> Found:
    found = Found(heard, f"modbus-{heard.address}")
    found.maker = " ".join(guess_modbus.identity(heard))
    if model:
        _propose(found, [model], "")
        return found
    fitting = guess_modbus.guesses(heard, profiles("modbus"))
    why = ""
    if fitting and fitting[0].named:
        why = tr("the device says so itself, and its registers fit")
    elif fitting:
        why = tr("guessed: {count} values fit; compare with the display", count=fitting[0].telling)
    _propose(found, [each.model for each in fitting], why)
    return found


def _cjt188(heard: Heard, model: str | None, dialect: str | None) -> Found:
    question, answer = heard.exchanges[-1]
    trial = Trial()
    trial.feed(answer)
    verdicts = trial.verdicts()
    named = registry.profile(model).dialect if model else dialect
    verdict = next((each for each in verdicts if each.dialect == named), verdicts[0])
    spoken = DIALECTS[verdict.dialect]
    frame = parse_cjt188(answer, spoken.extra_bytes)
    high_first = spoken.address_high_first
    found = Found(heard, printed_address(frame.address, high_first))
    heard.address = found.serial
    found.dialect, found.state, found.reason = verdict.dialect, verdict.state, verdict.reason
    found.medium = models.cjt188_medium(frame.type)
    asked = parse_cjt188(question)
    candidates = [model] if model else models.of_cjt188(verdict.dialect, asked, frame.type)
    why = (
        tr("its dialect is proved") if found.state == "confirmed" else tr("its dialect may differ")
    )
    _propose(found, candidates, why)
    found.values = models.cjt188_values(answer, spoken)
    return found


def _dlt645(heard: Heard, model: str | None, _: str | None) -> Found:
    decoded = models.dlt645_answers(heard.exchanges)
    found = Found(heard, str(heard.address))
    found.medium = "electricity"
    found.values = [record.reading for each in decoded for record in each.records]
    candidates = [model] if model else models.of_dlt645(decoded)
    why = tr("it answers as DL/T 645-{version} has it", version=decoded[0].version)
    _propose(found, candidates, why)
    return found


_DESCRIBE = {"mbus": _mbus, "modbus": _modbus, "cjt188": _cjt188, "dlt645": _dlt645}


def _propose(found: Found, candidates: list[str], why: str) -> None:
    if candidates:
        found.model, found.others, found.why = candidates[0], candidates[1:], why
    else:
        found.why = tr("no model is known that reads it")


def _readings(heard: Heard, profile: Profile) -> list[Reading]:
    """What the model makes of it; an exchange it can't take adds nothing."""
    if profile.protocol == "modbus":
        return guess_modbus.model_readings(heard, profile)
    found: list[Reading] = []
    for question, answer in heard.exchanges:
        try:
            found += registry.readings(profile, question, answer)
        except ProtocolError:
            continue
    return found
