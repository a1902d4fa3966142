"""What the bits of status words and error answers say.

Source: DL/T 645-2007 annex C and DL/T 645-1997, as public documents of meter makers repeat them.
The upper bits of words 1 and 3 are of the national grid's later supplements and left unnamed.
"""

# Status word, bit (hex), meaning when set.
_WORDS = """\
word_1 1 demand in fixed intervals
word_1 2 clock battery low
word_1 3 reading battery low
word_1 4 active power backward
word_1 5 reactive power backward
word_2 0 active power of phase 1 backward
word_2 1 active power of phase 2 backward
word_2 2 active power of phase 3 backward
word_2 4 reactive power of phase 1 backward
word_2 5 reactive power of phase 2 backward
word_2 6 reactive power of phase 3 backward
word_3 0 second day table runs
word_3 1 auxiliary supply
word_3 2 battery supply
word_3 3 programming allowed
word_3 4 relay open
word_7 0 voltage sequence reversed
word_7 1 current sequence reversed
word_7 2 voltage unbalanced
word_7 3 current unbalanced
word_7 4 auxiliary supply lost
word_7 5 power failure
word_7 6 demand above limit
word_7 7 power factor below limit
word_7 8 current badly unbalanced
meter 0 read out automatically
meter 1 demand in fixed intervals
meter 2 battery low
meter 4 active power backward
meter 5 reactive power backward
grid 0 phase 1 without power
grid 1 phase 2 without power
grid 2 phase 3 without power
grid 4 phase 1 overvoltage
grid 5 phase 2 overvoltage
grid 6 phase 3 overvoltage
"""

# Words 4, 5 and 6 say the same of phases 1, 2 and 3.
_PHASE_BITS = (
    "voltage lost",
    "undervoltage",
    "overvoltage",
    "current lost",
    "overcurrent",
    "overload",
    "power reversed",
    "phase broken",
    "current broken",
)
_PHASE_WORDS = {"word_4": 1, "word_5": 2, "word_6": 3}

_ERRORS_2007 = (
    "other error",
    "no such data",
    "wrong password or not authorised",
    "baud rate can't be changed",
    "too many seasons",
    "too many day slots",
    "too many tariffs",
)
_ERRORS_1997 = (
    "illegal data",
    "wrong data identifier",
    "wrong password",
    "",
    "too many seasons",
    "too many day slots",
    "too many tariffs",
)


def flag_name(word: str, bit: int) -> str:
    """What a set bit of a status word ("word_1".."word_7", 1997: "meter", "grid") says."""
    phase = _PHASE_WORDS.get(word)
    if phase is not None:
        return f"phase {phase} {_PHASE_BITS[bit]}" if bit < len(_PHASE_BITS) else f"bit {bit}"
    key = f"\n{word} {bit:X} "
    at = ("\n" + _WORDS).find(key)
    if at < 0:
        return f"bit {bit}"
    at += len(key) - 1
    return _WORDS[at : _WORDS.find("\n", at)]


def flag_names(quantity: str, flags: int) -> str:
    """All set bits of a status word's quantity ("error_flags:word_4"), with commas."""
    word = quantity[quantity.find(":") + 1 :]
    return ", ".join([flag_name(word, bit) for bit in range(16) if flags >> bit & 1])


def error_names(version: int, error: int) -> str:
    """What an error answer's byte says: "no such data"; several with commas."""
    names = _ERRORS_2007 if version == 2007 else _ERRORS_1997
    said = [
        names[bit] if bit < len(names) and names[bit] else f"bit {bit}"
        for bit in range(8)
        if error >> bit & 1
    ]
    return ", ".join(said) if said else "no reason given"
