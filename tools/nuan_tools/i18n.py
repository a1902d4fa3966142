"""The language of everything the `nuan` command says: English, or Chinese where asked for.

A message is its own English text; Chinese texts stand in locale/zh/LC_MESSAGES/nuan.po.
The language is chosen once, before any help text is built.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from nuan_tools.errors import UserError

LANGUAGES = ("en", "zh")
OPTION = "--lang"
# Places in a sentence that hold what somebody has typed: `status` is a word of his, not ours.
_VERBATIM = ("name", "names")
_language = "en"


def choose(arguments: list[str], environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """The language asked for by --lang, LC_ALL, LC_MESSAGES or LANG; the arguments without --lang.

    --lang may stand anywhere before "--". Raises UserError for a language that isn't there.
    """
    rest: list[str] = []
    asked: str | None = None
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == OPTION:
            asked = next(waiting, "")
        elif argument.startswith(OPTION + "="):
            asked = argument.partition("=")[2]
        else:
            rest.append(argument)
    if asked is not None:
        if asked not in LANGUAGES:
            raise UserError(f"{OPTION} {asked}: choose one of {', '.join(LANGUAGES)}")
        return asked, rest
    values = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((value for value in values if value), "")
    return ("zh" if locale.lower().startswith("zh") else "en"), rest


def use(language: str) -> None:
    """Everything said from now on is in this language, one of LANGUAGES."""
    global _language  # noqa: PLW0603  # a process speaks one language
    _language = language


def tr(message: str, **values: object) -> str:
    """The message in the chosen language, its {names} filled in."""
    text = _catalogue().get(message, message) if _language == "zh" else message
    return text.format(**values) if values else text


def tr_like(text: str) -> str:
    """Translates a library's finished English sentence by the catalogue's pattern for it."""
    if _language != "zh":
        return text
    for pattern, translation in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            found = match.groupdict()
            values = {n: v if n in _VERBATIM else tr_like(v) for n, v in found.items()}
            return translation.format(**values)
    return text


@cache
def _catalogue() -> dict[str, str]:
    import polib

    text = (files("nuan_tools") / "locale/zh/LC_MESSAGES/nuan.po").read_text("utf-8")
    return {entry.msgid: entry.msgstr for entry in polib.pofile(text) if entry.msgstr}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    found: list[tuple[re.Pattern[str], str]] = []
    for message, translation in _catalogue().items():
        parts = re.split(r"\{(\w+)\}", message)
        # Odd parts are names; a name's second mention must be the same text.
        expression = "".join(
            f"(?P<{part}>.+?)" if odd and part not in parts[:at] else re.escape(part)
            for at, part in enumerate(parts)
            for odd in [at % 2]
        )
        found.append((re.compile(expression, re.DOTALL), translation))
    # The most literal pattern wins.
    return sorted(found, key=lambda item: -len(item[0].pattern))
