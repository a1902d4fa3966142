"""All meter models by name and version, and what an exchange with one of them says. PC only.

Every file beside this one that declares a PROFILE is a model, and so is every file of a folder
given to add_folder. The board needs no registry: its node is told what to ask for.
"""

from typing import TYPE_CHECKING

from nuan_protocols.meters import files
from nuan_protocols.meters.status import conditions_in, settings_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nuan_protocols.meters.files import Decode
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.meters.status import Condition
    from nuan_protocols.reading import Reading

ModelFileError = files.ModelFileError

_profiles: "dict[str, dict[int, Profile]]" = {}
# The file that each version of a model came from.
_files: "dict[tuple[str, int], str]" = {}
_decoders: "dict[str, Decode]" = {}


class UnknownModelError(LookupError):
    """A meter model, or a version of one, that has no file here."""


def models() -> tuple[str, ...]:
    """The names of all models, in alphabetical order."""
    return tuple(sorted(_all()))


def profile(model: str, version: "int | None" = None) -> "Profile":
    """A model's profile, the newest or that of a version a bill was made with.

    Raises UnknownModelError, which lists the known ones.
    """
    versions = _all().get(model)
    if versions is None:
        known = ", ".join(models())
        raise UnknownModelError(f"meter model {model!r} is unknown; known are {known}")
    found = versions.get(max(versions) if version is None else version)
    if found is None:
        known = ", ".join(str(number) for number in sorted(versions))
        raise UnknownModelError(f"meter model {model!r} has no version {version}; it has {known}")
    return found


def add_folder(folder: str) -> tuple[str, ...]:
    """Take in all model files of a user's folder, or none; the models' names.

    A folder taken in before is read anew. Raises ModelFileError, which names the file and what to
    mend.
    """
    loaded = files.in_folder(folder)
    known = {name: dict(versions) for name, versions in _all().items()}
    _add(known, loaded)
    _profiles.clear()
    _profiles.update(known)
    _files.update({(one.name, one.version): file for file, one in loaded})
    return tuple(sorted({profile.name for _, profile in loaded}))


def readings(meter: "Profile", question: bytes, answer: bytes) -> "list[Reading]":
    """Readings of the meter's registers of interest, in the answer's order.

    Empty when the answer is empty or only acknowledges. Raises FrameError when the answer is no
    whole, sound answer to the question.
    """
    if not answer:
        return []
    decode = _decoders.get(meter.protocol)
    if decode is None:
        decode = _decoders[meter.protocol] = files.decoder(meter.protocol)
    return decode(meter, question, answer)


def status(meter: "Profile", found: "Iterable[Reading]") -> "list[Condition]":
    """What the meter says of itself in its readings: "battery low", and bits nobody explained."""
    found = list(found)
    return settings_in(meter.settings, found) + conditions_in(meter.flags, found)


def conditions(meter: "Profile", question: bytes, answer: bytes) -> "list[Condition]":
    """What the meter says of itself in an exchange. Raises FrameError like readings."""
    return status(meter, readings(meter, question, answer))


def _all() -> "dict[str, dict[int, Profile]]":
    if not _profiles:
        _add(_profiles, files.packaged())
    return _profiles


def _add(known: "dict[str, dict[int, Profile]]", loaded: "list[tuple[str, Profile]]") -> None:
    taken: set[tuple[str, int]] = set()
    for file, one in loaded:
        versions = known.setdefault(one.name, {})
        is_its_own = _files.get((one.name, one.version)) == file
        if (one.name, one.version) in taken or (one.version in versions and not is_its_own):
            raise ModelFileError(
                f"{file}: model {one.name!r} has a version {one.version} already; "
                "raise the version, or choose another name"
            )
        taken.add((one.name, one.version))
        versions[one.version] = one
