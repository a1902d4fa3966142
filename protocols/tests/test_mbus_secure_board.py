"""Encrypted telegrams, on CPython and on the board: published examples and wrong keys."""

import sys

from nuan_protocols.errors import FrameError, RecordError
from nuan_protocols.mbus.frame import long_frame

# No board: a MicroPython in a browser has no AES.
IN_BROWSER = sys.platform == "webassembly"
if not IN_BROWSER:
    from nuan_protocols.mbus import secure
    from nuan_protocols.mbus.aes import cmac

# OMS volume 2, annex N: a gas meter by ESY.. with security profile A (mode 5) and B (mode 7).
KEY_A = bytes.fromhex("0102030405060708090a0b0c0d0e0f11")
GAS_A = bytes.fromhex("7856341293153303")
DATA_A = bytes.fromhex("2a0020255923c95aaa26d1b2e7493b013ec4a6f6d3529b520edff0ea6defc99d6d69ebf3")
KEY_B = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
GAS_B = bytes.fromhex("7856341293153303")
DATA_B = bytes.fromhex(
    "0f002c25b30a000021924d4f2fb66e01"
    "7a75002007109058475f4bc91df878b80a1b0f98b629024aac727942bfc549233c0140829b93"
)


def refused(kind, raw, key, address=b""):
    try:
        secure.decrypted(raw, key, address)
    except kind as error:
        return error.reason
    return ""


def test_cmac_of_the_rfcs_examples():
    if IN_BROWSER:
        return
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    text = bytes.fromhex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
    )
    for size, expected in (
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
    ):
        assert cmac(key, text[:size]) == bytes.fromhex(expected), size


def test_mode_5_with_a_short_header():
    if IN_BROWSER:
        return
    raw = long_frame(0x08, 1, 0x7A, DATA_A)
    plain = secure.decrypted(raw, KEY_A, GAS_A)
    assert plain[6] == 0x7A
    assert plain[7:11] == bytes.fromhex("2a000000")
    assert plain[11:18] == bytes.fromhex("2f2f0c14270485")
    assert "address is needed" in refused(FrameError, raw, KEY_A)


def test_mode_5_with_a_long_header():
    if IN_BROWSER:
        return
    raw = long_frame(0x08, 1, 0x72, GAS_A + DATA_A)
    plain = secure.decrypted(raw, KEY_A)
    assert plain[7:15] == GAS_A
    assert plain[17:19] == b"\x00\x00"
    assert plain[19:26] == bytes.fromhex("2f2f0c14270485")
    assert secure.decrypted(plain, KEY_A) == plain


def test_mode_7_behind_its_authentication_layer():
    if IN_BROWSER:
        return
    raw = long_frame(0x08, 1, 0x90, DATA_B)
    plain = secure.decrypted(raw, KEY_B, GAS_B)
    assert plain[6] == 0x7A
    assert plain[7:11] == bytes.fromhex("75000000")
    assert plain[11:18] == bytes.fromhex("2f2f0c14270485")


def test_a_wrong_key_gives_no_records():
    if IN_BROWSER:
        return
    wrong = bytes(16)
    raw = long_frame(0x08, 1, 0x72, GAS_A + DATA_A)
    assert "isn't its key" in refused(RecordError, raw, wrong)
    raw = long_frame(0x08, 1, 0x90, DATA_B)
    assert "MAC is wrong" in refused(RecordError, raw, wrong, GAS_B)
    assert "16 bytes" in refused(FrameError, raw, wrong[1:], GAS_B)


def test_a_message_changed_on_the_way_is_refused():
    if IN_BROWSER:
        return
    whole = long_frame(0x08, 1, 0x90, DATA_B)
    for at in range(len(DATA_B)):
        changed = DATA_B[:at] + bytes((DATA_B[at] ^ 1,)) + DATA_B[at + 1 :]
        raw = long_frame(0x08, 1, 0x90, changed)
        try:
            plain = secure.decrypted(raw, KEY_B, GAS_B)
        except (FrameError, RecordError):
            continue
        # The number of a fragment is nobody's secret; another CI can't be read by anybody.
        assert plain in (raw, secure.decrypted(whole, KEY_B, GAS_B)), at


def test_what_is_not_encrypted_comes_back_as_it_is():
    if IN_BROWSER:
        return
    for raw in (
        long_frame(0x08, 1, 0x72, GAS_A + bytes(4) + b"\x01\x06\x05"),
        long_frame(0x08, 1, 0x78, b"\x01\x06\x05"),
        long_frame(0x08, 1, 0x70, b"\x09"),
        b"\xe5",
    ):
        assert secure.decrypted(raw, KEY_A) == raw


def test_cut_off_telegrams_are_refused():
    if IN_BROWSER:
        return
    for end in range(1, len(DATA_B)):
        raw = long_frame(0x08, 1, 0x90, DATA_B[:end])
        assert refused((FrameError, RecordError), raw, KEY_B, GAS_B), end
    for end in range(len(GAS_A) + 4, len(GAS_A + DATA_A)):
        raw = long_frame(0x08, 1, 0x72, (GAS_A + DATA_A)[:end])
        assert "don't fit" in refused(FrameError, raw, KEY_A), end
