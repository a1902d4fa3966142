"""A gateway that kills itself at its n-th ingest transaction: `SETTINGS before|after N`.

`before`: everything is inserted, COMMIT has not begun. `after`: COMMIT has returned, and the
acknowledgement is not on its way yet. The product knows nothing of this.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy.engine.default import DefaultDialect

from nuan_gateway import app
from nuan_gateway.ingest.commit import Answer, Writer
from nuan_gateway.settings import load_settings


def arm(moment: str, count: int) -> None:
    """Make the count-th commit of Writer.process the last thing this process does."""
    process, commit = Writer.process, DefaultDialect.do_commit
    writing = False
    seen = 0

    def counted_process(self: Writer, messages: list[tuple[str, bytes]]) -> list[Answer]:
        nonlocal writing
        writing = True
        try:
            return process(self, messages)
        finally:
            writing = False

    def deadly_commit(self: DefaultDialect, connection: object) -> None:
        nonlocal seen
        seen += writing
        deadly = writing and seen == count
        if deadly and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self, connection)  # type: ignore[arg-type]
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    Writer.process = counted_process  # type: ignore[method-assign,assignment]
    DefaultDialect.do_commit = deadly_commit  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    arm(sys.argv[2], int(sys.argv[3]))
    asyncio.run(app.run(load_settings(Path(sys.argv[1]))))
