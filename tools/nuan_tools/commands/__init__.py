"""The subcommands of `nuan`, one file each; see tools/README.md for how to add one."""
