"""From when on an X.509 certificate is valid, read from its DER.

    Validity    30 size | notBefore | notAfter
    a time      17 0d YYMMDDhhmmssZ    or    18 0f YYYYMMDDhhmmssZ

The first text that looks like a time is taken: before it stand only the serial number and names,
and whether the certificate is good is not for this module to say.
"""

_TIMES = ((0x17, 13, 2), (0x18, 15, 4))


def valid_from(certificate: memoryview) -> int:
    """Seconds since 1970, 0 when there is no date."""
    for at in range(len(certificate) - 15):
        for tag, size, digits in _TIMES:
            if certificate[at] == tag and certificate[at + 1] == size:
                text = bytes(certificate[at + 2 : at + 2 + size])
                if text[-1:] == b"Z" and text[:-1].isdigit():
                    return _seconds(text.decode(), digits)
    return 0


def _seconds(text: str, digits: int) -> int:
    year = int(text[:digits])
    if digits == 2:
        year += 2000 if year < 50 else 1900
    month, day, hour, minute, second = [
        int(text[at : at + 2]) for at in range(digits, digits + 10, 2)
    ]
    # Years begin with March here, so that the leap day is the last one.
    if month < 3:
        year -= 1
        month += 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day
    return (days - 719469) * 86400 + hour * 3600 + minute * 60 + second
