"""The `nuan` command: one program for installers, operators and developers.

Commands live in nuan_tools/commands, one file each with `register(app)`. Exit codes: 0 done,
1 the check that was asked for failed, 2 bad input, usage or environment, 130 stopped by Ctrl-C.
"""

import os
import pkgutil
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

from nuan_tools import commands, i18n
from nuan_tools.errors import NuanError, complain
from nuan_tools.i18n import tr, tr_like

if TYPE_CHECKING:
    from nuan_tools.app import App

INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> None:
    """Entry point of the `nuan` command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command line in this process and returns its exit code."""
    try:
        language, rest = i18n.choose(arguments, os.environ)
        i18n.use(language)
        code = _run(rest)
        sys.stdout.flush()
    except NuanError as error:
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; what is still buffered must not raise once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is None:
            raise
        return _complain(f"{error.filename}: {error.strerror}")
    except Exception as error:
        if not _is_for_users(error):
            raise
        return _complain(str(error))
    return code


def build() -> "App":
    """The whole command with every subcommand, in the chosen language."""
    import typer

    from nuan_tools.app import App, translate_panels

    translate_panels()
    app = App(tr("Read heat meters, hold set-points, bill heat, and prove every bill."))

    def show_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"nuan {version('nuan')}")
            raise typer.Exit

    def root(
        show: Annotated[  # the callback acts on it
            bool,
            typer.Option(
                "--version", callback=show_version, is_eager=True, help=tr("Print the version.")
            ),
        ] = False,
        lang: Annotated[
            str,
            typer.Option(
                i18n.OPTION,
                metavar="zh|en",
                show_default=False,
                help=tr("Language; otherwise LANG decides."),
            ),
        ] = "",
    ) -> None:
        """Both options are acted on before this is called."""

    app.callback()(root)
    modules = [import_module(f"nuan_tools.commands.{name}") for name in _command_names()]
    for module in sorted(modules, key=lambda module: getattr(module, "ORDER", 50)):
        module.register(app)
    return app


def _command_names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def _run(arguments: list[str]) -> int:
    from typer.main import get_command

    command = get_command(build())
    # Typer keeps its exceptions private; every usage error has these two.
    try:
        code = command.main(args=arguments, prog_name="nuan", standalone_mode=False)
    except SystemExit as error:
        # Click and Rich end with 1 when the reader is gone; here that means a failed check.
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        raise
    except Exception as error:
        if type(error).__name__ == "Abort":
            # Ctrl-C, or the end of the input, where a question was asked.
            raise KeyboardInterrupt from None
        if not hasattr(error, "format_message"):
            raise
        return _usage_error(error)
    return code if isinstance(code, int) else 0


def _usage_error(error: Exception) -> int:
    message = str(getattr(error, "format_message")())  # noqa: B009  # see _run
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        # Help was asked for by saying nothing; Rich has printed it already.
        return NuanError.exit_code
    path = context.command_path if context is not None else "nuan"
    text = tr_like(message.rstrip())
    return _complain(tr("{text} (see {command} --help)", text=text, command=path))


def _is_for_users(error: Exception) -> bool:
    """Whether another package of ours made this error for the user's eyes."""
    bases = (("nuan_gateway.errors", "GatewayError"), ("nuan_protocols.errors", "ProtocolError"))
    for module, name in bases:
        # A package that was never imported can't have raised it.
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], name)):
            return True
    return False


def _complain(message: str, code: int = NuanError.exit_code) -> int:
    complain(message)
    return code
