"""Hexadecimal as people paste it, and what they are told when it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_tools.errors import UserError
from nuan_tools.hexadecimal import join_bytes, parse


@pytest.mark.parametrize(
    "text",
    [
        "6803FF",
        "68 03 ff",
        "68:03:FF",
        "0x68 0x03 0xFF",
        "0x6803FF",
        "0X68,0X03,0XFF",
        "68-03_ff",
        "\t6803 FF \r",
    ],
)
def test_every_common_spelling_is_read(text: str) -> None:
    assert parse(text, "line 1") == b"\x68\x03\xff"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("68 0g", "line 4, column 5: 'g' is no hexadecimal digit; write bytes as 68 0F or 680F"),
        ("680", "line 4, column 3: an odd number of digits (3); the last byte is half"),
        ("68 1 ", "line 4, column 4: an odd number of digits (3); the last byte is half"),
        ("", "line 4: no bytes; write them as 68 0F or 680F"),
        ("68 \ufffd", "line 4, column 4: '\ufffd' is no hexadecimal digit"),
        ("6x", "line 4, column 2: 'x' is no hexadecimal digit"),
    ],
)
def test_an_error_names_line_and_column(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, "line 4")
    assert str(caught.value).startswith(message)


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["", " ", ":", ", 0x"]))
def test_what_was_written_is_read_again(data: bytes, separator: str) -> None:
    text = separator.join(f"{byte:02x}" for byte in data)
    assert parse(text, "line 1") == data


def test_arguments_are_telegrams_unless_the_shell_split_one() -> None:
    frame = "680303680801720000"
    assert join_bytes([frame, frame]) == [frame, frame]
    assert join_bytes([frame, "E5"]) == [frame, "E5"]
    assert join_bytes(["68", "03", "03", "68"]) == ["68 03 03 68"]
    assert join_bytes(["68030368", "0801720000"]) == ["68030368 0801720000"]
    assert join_bytes(["68"]) == ["68"]
