"""Modules that are loaded for a while: what runs once a day needn't hold memory all day.

    from nuan_firmware.console import status   # inside the function that needs it
    ...
    on_demand.unload("console.status")

Code runs in place, so loading costs little time; what it takes is given back by unload().
"""

import sys

_ROOT = "nuan_firmware."
_OTHER = "nuan_protocols."


def unload(*names: str) -> None:
    """Forget modules of this package, by their names below it, or of nuan_protocols, by their whole
    names; those not loaded are passed over."""
    for each in names:
        name = each if each.startswith(_OTHER) else _ROOT + each
        if sys.modules.pop(name, None) is None:
            continue
        parent, _, last = name.rpartition(".")
        # The import system has put the module there, too.
        delattr(sys.modules[parent], last)
