"""TOML files read so that every complaint names file, line, key, what is wrong and how to mend it.

    site.toml:14: meter[3].every_s: 10 is below the minimum of 60; write at least 60

Tables of an array are counted from 1 in messages, as people count them.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from nuan_gateway.errors import SourceError
from nuan_gateway.toml_lines import KeyPath, locate

FILE_BYTES_MAX = 4_000_000

T = TypeVar("T")
Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array, kept as a tuple; its items stay strict."""

_SYNTAX_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def _from_folder(text: object, info: ValidationInfo) -> Path:
    if isinstance(text, Path):
        return text.absolute()
    if not isinstance(text, str) or not text:
        raise ValueError(f"{text!r} is no path; write one in quotes")
    folder = info.context["folder"] if info.context else Path()
    return (folder / text).absolute()


FilePath = Annotated[Path, BeforeValidator(_from_folder)]
"""A path in a file, relative to that file's folder; absolute in the model."""


class Section(BaseModel):
    """A TOML table: frozen, no value converted silently, an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True)


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class TomlSource:
    """One parsed file: its data, and the line of each key."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    def problem(self, path: KeyPath, text: str) -> str:
        """One line that names file, line and key."""
        key = _shown(path)
        return f"{self.path}:{self.line(path)}: {key + ': ' if key else ''}{text}"

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of the nearest table around one that isn't there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_toml(path: Path, error: type[SourceError] = SourceError) -> TomlSource:
    """Read and parse a UTF-8 TOML file; raises `error` with one line."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise error([f"{path}: larger than {FILE_BYTES_MAX} bytes; is this the right file?"])
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise error([f"{path}: no such file; check the path"]) from None
    except OSError as reason:
        raise error([f"{path}: {reason.strerror}; check the file's owner and rights"]) from None
    except UnicodeDecodeError as reason:
        line = reason.object[: reason.start].count(b"\n") + 1
        raise error([f"{path}:{line}: not UTF-8; save the file as UTF-8"]) from None
    try:
        return TomlSource(path, tomllib.loads(text), locate(text))
    except tomllib.TOMLDecodeError as reason:
        raise error([_syntax_problem(path, text, str(reason))]) from None


def validate(source: TomlSource, model: type[M], error: type[SourceError] = SourceError) -> M:
    """The file as `model`; raises `error` with every problem, in the order of their lines."""
    try:
        return model.model_validate(dict(source.data), context={"folder": source.path.parent})
    except ValidationError as reason:
        found = [(_clean(details["loc"]), _sentence(details, model)) for details in reason.errors()]
    found.sort(key=lambda problem: source.line(problem[0]))
    raise error([source.problem(path, text) for path, text in found])


def load(path: Path, model: type[M], error: type[SourceError]) -> tuple[M, TomlSource]:
    """read_toml and validate in one step."""
    source = read_toml(path, error)
    return validate(source, model, error), source


def _syntax_problem(path: Path, text: str, reason: str) -> str:
    place = _SYNTAX_PLACE.search(reason)
    if place is None:
        what = reason.removesuffix(" (at end of document)")
        return f"{path}:{text.count(chr(10)) + 1}: {what} at the end of the file; mend the TOML"
    what = reason[: place.start()]
    return f"{path}:{place[1]}: column {place[2]}: {what}; mend the TOML"


def _shown(path: KeyPath) -> str:
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step + 1}]"
        else:
            shown += f".{step}" if shown else step
    return shown


def _clean(path: tuple[str | int, ...]) -> KeyPath:
    # pydantic adds the names of validator functions and union members to the place of an error.
    return tuple(step for step in path if isinstance(step, int) or re.fullmatch(r"[^(\[]+", step))


def _sentence(details: Any, model: type[BaseModel]) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {_suggestion(model, details['loc'])}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(value=_short(value), **context)
    return f"{_short(value)} won't do; {_EXPECTED.get(kind, details['msg'])}"


_SENTENCES = {
    "missing": "missing; write this key",
    "greater_than_equal": "{value} is below the minimum of {ge}; write at least {ge}",
    "less_than_equal": "{value} is above the maximum of {le}; write at most {le}",
    "literal_error": "{value} is unknown; write {expected}",
    "value_error": "{error}",
    "too_short": "empty; write at least one",
}
_EXPECTED = {
    "int_type": "write a whole number without quotes",
    "string_type": "write text in quotes",
    "bool_type": "write true or false",
    "date_type": "write a date without quotes, as 2026-11-01",
    "model_type": "write a table here",
    "model_attributes_type": "write a table here",
    "tuple_type": "write an array here",
    "dict_type": "write a table here",
}


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _suggestion(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    known = _known_keys(model, path[:-1])
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys a table may have, found by following `path` through the models' annotations."""
    for step in path:
        if isinstance(step, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        inner = _model_in(fields[step].annotation) if step in fields else None
        if inner is None:
            return []
        model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
