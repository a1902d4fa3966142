"""The file of a pulled journal: what is damaged is named, and the rest is read."""

import random
from pathlib import Path
from time import process_time

import pytest

from nuan_gateway.ingest.pull_file import (
    FILE_BYTES_MAX,
    HEADER_BYTES,
    Damage,
    Pulled,
    PullFileError,
    header,
    load,
    node_of,
    record,
    records,
)

NODE = bytes.fromhex("6e75616e00000001")
MESSAGES = [bytes([number]) * (60 + 37 * number) for number in range(1, 9)]


def whole() -> bytes:
    return header(NODE) + b"".join(record(message) for message in MESSAGES)


def test_what_was_written_is_read_with_its_offsets() -> None:
    data = whole()
    assert node_of(data, Path("f")) == NODE
    found = list(records(data))
    assert [each.message for each in found if isinstance(each, Pulled)] == MESSAGES
    assert [each.number for each in found] == list(range(1, 9))
    assert found[0].offset == HEADER_BYTES
    for each, message in zip(found, MESSAGES, strict=True):
        assert data[each.offset + 4 : each.offset + 4 + len(message)] == message


def test_a_damaged_message_is_named_by_number_and_offset_and_the_others_are_read() -> None:
    data = bytearray(whole())
    third = list(records(bytes(data)))[2]
    data[third.offset + 40] ^= 1
    found = list(records(bytes(data)))
    damage = found[2]
    assert isinstance(damage, Damage)
    assert (damage.number, damage.offset) == (3, third.offset)
    assert damage.size == len(record(MESSAGES[2]))
    rest = [each.message for each in found if isinstance(each, Pulled)]
    assert rest == MESSAGES[:2] + MESSAGES[3:]


def test_every_damaged_byte_costs_one_message_at_most(seed: int) -> None:
    choice = random.Random(seed)
    data = whole()
    for at in choice.sample(range(HEADER_BYTES, len(data)), 400):
        damaged = bytearray(data)
        damaged[at] ^= 1 << choice.randrange(8)
        found = list(records(bytes(damaged)))
        rest = [each.message for each in found if isinstance(each, Pulled)]
        assert len(rest) == len(MESSAGES) - 1, at
        assert all(message in MESSAGES for message in rest)
        assert sum(isinstance(each, Damage) for each in found) == 1


def test_mutated_files_give_whole_messages_or_name_the_damage(seed: int) -> None:
    choice = random.Random(seed)
    data = whole()
    for _ in range(10_000):
        damaged = bytearray(data)
        for _ in range(choice.randrange(1, 4)):
            at = choice.randrange(HEADER_BYTES, len(damaged))
            kind = choice.randrange(4)
            if kind == 0:
                damaged[at:at] = choice.choice((b"NM", b"NM\x40\x00", b"NM\xff\xff", bytes(9)))
            elif kind == 1:
                del damaged[at : at + choice.randrange(1, 80)]
            else:
                damaged[at] ^= 1 << choice.randrange(8)
        covered = HEADER_BYTES
        for each in records(bytes(damaged)):
            assert each.offset == covered
            if isinstance(each, Pulled):
                assert each.message in MESSAGES
                covered += len(record(each.message))
            else:
                assert each.reason
                covered += each.size
        assert covered == len(damaged)


def test_a_file_larger_than_any_pull_or_none_at_all_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.pull"
    with large.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    for path, reason in ((large, "at most"), (tmp_path, "no file"), (tmp_path / "x", "No such")):
        with pytest.raises(PullFileError, match=reason):
            load(path)


def test_a_file_that_ends_within_a_message_keeps_those_before() -> None:
    data = whole()
    last = list(records(data))[-1]
    for end in (last.offset + 1, last.offset + 3, last.offset + 50, len(data) - 1):
        found = list(records(data[:end]))
        assert len(found) == len(MESSAGES)
        assert isinstance(found[-1], Damage)
        assert "ends within" in found[-1].reason
        assert (found[-1].offset, found[-1].size) == (last.offset, end - last.offset)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no journal"),
        (b"PK\x03\x04 something else entirely", "no journal"),
        (b"NUANPULL\x01", "ends within its header, at byte 9"),
        (b"NUANPULL\x02" + bytes(12), "format 2"),
        (b"NUANPULL\x01" + bytes(12), "header is damaged"),
    ],
)
def test_what_is_no_pulled_journal_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PullFileError, match=reason):
        node_of(data, Path("some.file"))


def test_a_file_of_false_beginnings_costs_little_and_keeps_what_came_before() -> None:
    # Each of them would have some kilobytes checked.
    data = whole() + b"NM\x0b\xb8" * 250_000
    begun_s = process_time()
    found = list(records(data))
    assert process_time() - begun_s < 2
    assert [each.message for each in found if isinstance(each, Pulled)] == MESSAGES
    (damage,) = [each for each in found if isinstance(each, Damage)]
    assert (damage.offset, damage.size) == (len(whole()), 1_000_000)
    assert "looks like messages" in damage.reason
