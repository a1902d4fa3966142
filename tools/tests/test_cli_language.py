"""Every message has its Chinese text, and the language is found where people set it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from nuan_gateway.node_events import NAMES
from nuan_protocols.meters import registry
from nuan_protocols.quantity import UNITS_OF
from nuan_tools import i18n
from nuan_tools.decoded_head import condition_text
from nuan_tools.errors import UserError

PACKAGE = Path(i18n.__file__).parent
CATALOGUE = polib.pofile((PACKAGE / "locale/zh/LC_MESSAGES/nuan.po").read_text("utf-8"))
TEXTS = {entry.msgid: entry.msgstr for entry in CATALOGUE}
FIELD = re.compile(r"\{(\w*)[^}]*\}")


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    i18n.use("en")


def messages_in_code() -> dict[str, str]:
    """Every literal given to tr(), with the place where it stands."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "tr"
                and isinstance(node.args[0], ast.Constant)
            ):
                found[node.args[0].value] = f"{path.relative_to(PACKAGE)}:{node.lineno}"
    return found


def test_every_message_has_a_chinese_text() -> None:
    messages = messages_in_code()
    missing = [f"{messages[text]}: {text!r}" for text in messages if not TEXTS.get(text)]
    assert not missing, "missing in nuan.po:\n" + "\n".join(missing)


def test_every_quantity_has_a_chinese_name() -> None:
    missing = [name for name in UNITS_OF if not TEXTS.get(name.replace("_", " "))]
    assert not missing


def test_every_word_of_a_meter_model_has_a_chinese_text() -> None:
    """Its registers with their qualifiers, its units and what it says of itself."""
    profiles = [registry.profile(model) for model in registry.models()]
    words = {
        part.replace("_", " ")
        for profile in profiles
        for register in profile.registers
        for part in register.quantity.split(":")
        # Which sensor of a kind: a maker's label, not a word.
        if not re.fullmatch(r"[tv]\d|header", part)
    }
    words |= {each.name for profile in profiles for each in (*profile.flags, *profile.settings)}
    assert len(words) > 100
    assert not sorted(word for word in words if not TEXTS.get(word))


def test_every_kind_of_event_has_a_chinese_name() -> None:
    assert not [name for name in NAMES.values() if not TEXTS.get(name)]


def test_a_bit_nobody_explained_is_named_by_number_in_chinese_too() -> None:
    i18n.use("zh")
    bit = {"name": "bit 3 of error_flags:word_1", "severity": "info"}
    assert condition_text(bit) == "error_flags:word_1 第 3 位（信息）"
    assert condition_text({"name": "battery low", "severity": "notice"}) == "电池欠压（注意）"


def test_translations_keep_the_fields() -> None:
    for message, text in TEXTS.items():
        assert sorted(FIELD.findall(message)) == sorted(FIELD.findall(text)), message


def test_the_catalogue_has_no_message_twice() -> None:
    assert len(TEXTS) == len(CATALOGUE)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_environment_chooses(environment: dict[str, str], language: str) -> None:
    assert i18n.choose(["decode"], environment) == (language, ["decode"])


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (["--lang", "zh", "demo"], ["demo"]),
        (["demo", "--lang=zh", "--json"], ["demo", "--json"]),
        (["--lang", "zh", "a", "--", "--lang", "x"], ["a", "--", "--lang", "x"]),
    ],
)
def test_the_option_is_taken_out_of_the_arguments(arguments: list[str], rest: list[str]) -> None:
    assert i18n.choose(arguments, {}) == ("zh", rest)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UserError, match="choose one of en, zh"):
        i18n.choose(["--lang=fr"], {})


def test_messages_are_translated_and_filled_in() -> None:
    assert i18n.tr("line {number}", number=3) == "line 3"
    i18n.use("zh")
    assert i18n.tr("line {number}", number=3) == "第 3 行"
    assert i18n.tr("what nobody translated") == "what nobody translated"


def test_a_finished_sentence_is_recognised_by_its_pattern() -> None:
    text = "Invalid value for 'DIR': Directory '/x' is not writable."
    assert i18n.tr_like(text) == text
    i18n.use("zh")
    assert i18n.tr_like(text) == "'DIR' 取值有误：文件夹“/x”无法写入。"
    assert i18n.tr_like("something else entirely") == "something else entirely"
