"""The folder a season runs in: the user's own, or one that goes away."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr


@contextmanager
def season_folder(keep: Path | None) -> Generator[Path]:
    """`keep`, made when missing, or a temporary folder; UserError when it can't be made."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="nuan-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            tr(
                "cannot make the folder {folder}: {reason}; name another with --keep",
                folder=keep,
                reason=error.strerror,
            )
        ) from error
    yield keep
