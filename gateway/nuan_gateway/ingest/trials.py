"""CJ/T 188 dialects on trial: has the meter proved that it speaks as its model says?

A meter's first answers are kept and decoded like all others, but their readings say that they are
unconfirmed, and no bill is made from them, until physics has borne the dialect out (trial.py of
cjt188). Then they are good as they are: they were decoded in the very dialect that proved right. A
dialect that the answers contradict is never corrected silently: the state names the one that fits,
and the site file gets another model.
"""

import json
import logging
from dataclasses import dataclass

from sqlalchemy import Connection

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.store import outbox
from nuan_gateway.store import trials as store
from nuan_gateway.store.readings import UNPROVED
from nuan_gateway.store.trials import DENIED, StoredTrial
from nuan_protocols.cjt188.dialects import ALL, DIALECTS
from nuan_protocols.cjt188.probe import CONFIRMED, CONTRADICTED, UNCONFIRMED, judge
from nuan_protocols.cjt188.trial import Trial
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile
from nuan_protocols.uplink.body import RESULT_OK
from nuan_protocols.uplink.entry_reader import Exchange

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Case:
    """One meter under one model."""

    trial: Trial
    state: str
    reason: str


class Trials:
    """All meters' trials, in step with the writer's transactions."""

    def __init__(self) -> None:
        self._cases: dict[tuple[str, str], _Case] | None = None
        self._fed: set[tuple[str, str]] = set()
        self._changed: set[tuple[str, str]] = set()

    def begin(self, connection: Connection) -> None:
        """A transaction begins."""
        if self._cases is None:
            self._cases = {
                (kept.meter, kept.model): _Case(
                    _trial(registry.profile(kept.model), kept.memory), kept.state, kept.reason
                )
                for kept in store.load_all(connection)
                if kept.model in registry.models()
            }

    def mark(self, serial: str, profile: Profile, exchange: Exchange) -> str:
        """Weigh one exchange of a CJ/T 188 meter; the status that its readings have instead of
        "ok", "" when they are as good as they look."""
        key = (serial, profile.name)
        cases = self._cases if self._cases is not None else {}
        case = cases.get(key)
        if case is None:
            case = cases[key] = _Case(_trial(profile, "{}"), UNCONFIRMED, "no answer yet")
        if exchange.result == RESULT_OK and _tells(case, profile, exchange.answer):
            self._feed(key, case, profile, exchange.answer)
        if case.state == CONFIRMED:
            return ""
        return (DENIED if case.state == CONTRADICTED else UNPROVED) + profile.dialect

    def save(self, connection: Connection, site: str, now_ms: int) -> None:
        """Keep what this transaction's answers have shown, and tell the feed what has changed;
        after its readings are in."""
        cases = self._cases or {}
        kept = [
            StoredTrial(
                serial,
                model,
                cases[serial, model].state,
                cases[serial, model].reason,
                json.dumps(cases[serial, model].trial.state(), separators=(",", ":")),
                now_ms,
            )
            for serial, model in sorted(self._fed)
        ]
        store.save(connection, kept)
        for serial, model in sorted(self._changed):
            case = cases[serial, model]
            profile = registry.profile(model)
            good = 0
            if case.state == CONFIRMED:
                good = store.accept_readings(connection, serial, profile.dialect, profile.version)
                log.info("meter %s: %d readings were waiting for this proof", serial, good)
            payload = {
                "type": "dialect",
                "site": site,
                "meter": serial,
                "model": model,
                "dialect": profile.dialect,
                "state": case.state,
                "reason": case.reason,
                "readings_now_good": good,
            }
            key = f"dialect-{site}-{serial}-{model}-{now_ms}"
            outbox.put(connection, [(key, "dialect", canonical_text(payload))], now_ms)
        self._fed.clear()
        self._changed.clear()

    def rolled_back(self) -> None:
        """The transaction failed: what its answers showed is forgotten with them."""
        self._cases = None
        self._fed.clear()
        self._changed.clear()

    def _feed(self, key: tuple[str, str], case: _Case, profile: Profile, answer: bytes) -> None:
        before = case.state
        case.trial.feed(answer)
        case.state, case.reason = _state(case.trial, profile)
        self._fed.add(key)
        if case.state == before:
            return
        level = logging.INFO if case.state == CONFIRMED else logging.WARNING
        log.log(level, "meter %s (%s): dialect %s: %s", *key, case.state, case.reason)
        self._changed.add(key)


def _trial(profile: Profile, memory: str) -> Trial:
    """Where two dialects read the same, or answers leave something open, the model's own is to be
    believed."""
    own = DIALECTS[profile.dialect]
    others = tuple(each for each in ALL if each.name != own.name)
    return Trial(json.loads(memory), (own, *others), own.name)


def _state(trial: Trial, profile: Profile) -> tuple[str, str]:
    verdicts = trial.verdicts()
    mine = next(each for each in verdicts if each.dialect == profile.dialect)
    best = verdicts[0]
    if best.state != CONFIRMED or best.dialect == profile.dialect:
        return mine.state, mine.reason
    speaking = [
        model
        for model in registry.models()
        if registry.profile(model).protocol == "cjt188"
        and registry.profile(model).dialect == best.dialect
    ]
    models = ", ".join(speaking) or "none so far"
    reason = f"{mine.reason}; its answers fit dialect {best.dialect} (models: {models})"
    return CONTRADICTED, reason


def _tells(case: _Case, profile: Profile, answer: bytes) -> bool:
    """Whether an answer could change what is known: of a meter that has proved itself, only one
    that contradicts it, or one after such."""
    against = case.trial.state().get("against", {})
    if case.state != CONFIRMED or against.get(profile.dialect):
        return True
    return judge(answer, DIALECTS[profile.dialect]).state == CONTRADICTED
