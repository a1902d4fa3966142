import random

from nuan_firmware import difference
from nuan_firmware.references import References
from nuan_firmware.segment import put_varint, unzigzag, varint, varint_end, zigzag


def test_a_difference_gives_the_new_bytes_back():
    random.seed(20251101)
    out = bytearray(900)
    for _ in range(3000):
        length = random.randrange(0, 300)
        old = bytearray(random.getrandbits(8) for _ in range(length))
        new = bytearray(old)
        for _ in range(random.randrange(0, 40)):
            if length:
                new[random.randrange(length)] = random.getrandbits(8)
        end = difference.encode(old, new, out, 3, len(out))
        assert end >= 3
        assert difference.apply(out, 3, end, old)
        assert old == new


def test_equal_bytes_cost_nothing():
    assert difference.encode(b"same", b"same", bytearray(4), 0, 4) == 0


def test_one_change_costs_two_bytes():
    out = bytearray(8)
    assert difference.encode(b"register 1", b"register 2", out, 0, 8) == 2
    assert out[:2] == bytes((9 << 3 | 1, ord("2")))


def test_a_long_skip_is_stretched():
    old = bytes(100)
    out = bytearray(8)
    end = difference.encode(old, old[:99] + b"x", out, 0, 8)
    assert end == 5
    target = bytearray(old)
    assert difference.apply(out, 0, end, target)
    assert target[99] == ord("x")


def test_no_room_is_said_and_nothing_is_written_behind_the_end():
    out = bytearray(b"\xaa" * 8)
    assert difference.encode(b"abcdefgh", b"ABCDEFGH", out, 2, 6) == -1
    assert out[6:] == b"\xaa\xaa"


def test_codes_that_lead_out_of_the_target_are_refused():
    assert not difference.apply(b"\x49x", 0, 2, bytearray(4))
    assert not difference.apply(b"\x07x", 0, 2, bytearray(40))


def test_varints_and_zigzag_come_back():
    out = bytearray(8)
    for value in (0, 1, -1, 63, -64, 127, 128, 300, -300, 1762000000, -1762000000, 2**32):
        end = put_varint(out, 1, zigzag(value))
        assert unzigzag(varint(out, 1)) == value
        assert varint_end(out, 1) == end


def test_references_are_found_by_slot_and_part():
    kept = References(3, 40)
    assert kept.find(1, 0) == -1
    first = kept.place(1, 0, 10)
    second = kept.place(1, 1, 20)
    kept.view(first)[:] = b"0123456789"
    assert (kept.find(1, 0), kept.find(1, 1), kept.find(2, 0)) == (first, second, -1)
    assert bytes(kept.view(first)) == b"0123456789"
    assert kept.length(second) == 20


def test_references_without_room_are_not_kept():
    kept = References(2, 40)
    assert kept.place(1, 0, 30) == 0
    assert kept.place(2, 0, 30) == -1
    assert kept.place(2, 0, 10) == 1
    assert kept.place(3, 0, 0) == -1
    kept.reset()
    assert kept.place(3, 0, 30) == 0


def test_a_shorter_body_takes_the_old_place_and_a_longer_one_moves():
    kept = References(2, 60)
    index = kept.place(1, 0, 20)
    assert kept.place(1, 0, 10) == index
    assert kept.place(1, 0, 20) == index
    assert kept.place(1, 0, 40) == index
    assert kept.length(index) == 40
    assert kept.place(1, 0, 41) == -1
