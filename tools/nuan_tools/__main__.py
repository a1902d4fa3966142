"""`python -m nuan_tools` is the `nuan` command."""

from nuan_tools.cli import main

main()
