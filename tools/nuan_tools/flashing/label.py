"""The label for a node's box: who it is, as text and as a QR code. Nothing on it is secret.

QR code   "NUAN:NODE:" and the id in 16 hex digits, capitals: a short code that any phone reads
"""

from __future__ import annotations

import io
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

# 50 mm x 25 mm at 300 dots an inch, a usual roll of labels.
WIDTH, HEIGHT, DPI = 591, 295, 300
_MARGIN = 16
_QR_SCALE = 9
_LINE_GAP = 10
_SIZES = (44, 40, 28)
_CHARACTERS_MAX = 18


def qr_text(node: str) -> str:
    """What the code says."""
    return f"NUAN:NODE:{node.upper()}"


def make_label(node: str, site: str, path: Path) -> None:
    """Draw the label of a node (16 hex digits) of a site and save it as PNG."""
    label = Image.new("L", (WIDTH, HEIGHT), 255)
    code = io.BytesIO()
    segno.make(qr_text(node), error="m", micro=False).save(
        code, kind="png", scale=_QR_SCALE, border=2
    )
    picture = Image.open(code).convert("L")
    label.paste(picture, (0, (HEIGHT - picture.height) // 2))
    pen = ImageDraw.Draw(label)
    left, top = picture.width + _MARGIN // 2, _MARGIN
    groups = [node[at : at + 4] for at in range(0, len(node), 4)]
    lines = ["nuan", " ".join(groups[:2]), " ".join(groups[2:]), site[:_CHARACTERS_MAX]]
    sizes = (_SIZES[0], _SIZES[1], _SIZES[1], _SIZES[2])
    for line, size in zip(lines, sizes, strict=True):
        font = ImageFont.load_default(size)
        pen.text((left, top), line, font=font, fill=0)
        top += size + _LINE_GAP
    label.save(path, "PNG", dpi=(DPI, DPI))
