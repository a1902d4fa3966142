"""Texts that nodes and people have written, made harmless for terminals, databases and feeds."""

_UNKNOWN = "\ufffd"


def plain(text: str, keep: str = "") -> str:
    """The text with every character that isn't shown replaced: controls (a terminal obeys them),
    marks of direction, lone surrogates, NUL. Spaces of any kind become one; `keep` stays."""
    if text.isprintable():
        return text
    return "".join(
        each if each in keep or each.isprintable() else " " if each.isspace() else _UNKNOWN
        for each in text
    )
