"""What the `nuan` command reports instead of a traceback.

NuanError
|-- UserError     bad input, usage or environment: one line, exit code 2
`-- CheckFailed   everything ran, and the answer is no: exit code 1
"""

import sys


class NuanError(Exception):
    """Carries one clear line for a person; `exit_code` is what the command ends with."""

    exit_code = 2


class UserError(NuanError):
    """Bad input or environment; the message names what is wrong, where, and how to mend it."""


class CheckFailed(NuanError):  # noqa: N818  # an answer, not an error
    """The check that was asked for ran to its end and failed."""

    exit_code = 1


def complain(message: str) -> None:
    """Says what is wrong on stderr, after what was already answered; one line a problem."""
    from nuan_gateway.plain_text import plain

    sys.stdout.flush()
    for line in message.splitlines() or [""]:
        sys.stderr.write(f"nuan: {plain(line)}\n")
