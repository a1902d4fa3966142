"""How a bundle is shown."""

from nuan_protocols.bundle import APP
from nuan_tools.console import out, table
from nuan_tools.firmware.inspect import Inspected
from nuan_tools.i18n import tr


def print_bundle(found: Inspected) -> None:
    """Print what it is, who signed it, and its files."""
    head = found.head
    facts = table()
    facts.add_column("")
    facts.add_column("")
    kind = tr("application") if head.kind == APP else tr("image of MicroPython")
    signed = tr("yes, and checked") if found.is_signed else tr("not checked; name the key: --key")
    if not any(head.key):
        signed = tr("no")
    rows = (
        (tr("kind"), kind),
        (tr("version"), head.version),
        (tr("build"), str(head.build)),
        (tr("size"), f"{head.size:,}"),
        ("SHA-256", head.digest.hex()),
        (tr("needs"), "MicroPython {}.{}, .mpy {}".format(*head.vm, head.mpy)),
        (tr("key"), head.key.hex() if any(head.key) else "-"),
        (tr("signed"), signed),
    )
    for row in rows:
        facts.add_row(*row)
    facts.show_header = False
    out().print(facts)
    files: dict[str, str] = found.manifest.get("files", {})
    if files:
        listed = table()
        listed.add_column(tr("file"))
        listed.add_column("SHA-256")
        for name, digest in sorted(files.items()):
            listed.add_row(name, digest)
        out().print()
        out().print(listed)
