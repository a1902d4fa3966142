"""Typer, made to speak the chosen language; every command and group of `nuan` is built with it."""

from collections.abc import Callable
from typing import Any

import typer
import typer.core
from rich.text import Text
from typer import rich_utils

from nuan_tools.i18n import tr

# Ends every page of help.
EXIT_CODES = "Exit codes: 0 done; 1 the check failed; 2 bad input, usage or environment."


class _Folding(rich_utils.OptionHighlighter):
    """Chinese has no spaces: what is longer than its column goes on in the next line, uncut."""

    def __call__(self, text: str | Text) -> Text:
        """The text to show."""
        shown = super().__call__(text)
        shown.overflow = "fold"
        return shown


class Command(typer.core.TyperCommand):
    """A command whose usage line and --help text are translated."""

    def get_usage(self, ctx: Any) -> str:
        """The usage line."""
        return _translated_usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """The --help option."""
        return _translated_help(super().get_help_option(ctx))


class Group(typer.core.TyperGroup):
    """A group of commands whose usage line and --help text are translated."""

    def get_usage(self, ctx: Any) -> str:
        """The usage line."""
        return _translated_usage(super().get_usage(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """The --help option."""
        return _translated_help(super().get_help_option(ctx))


class App(typer.Typer):
    """The `nuan` command or a group of it; commands registered on it speak the chosen language."""

    def __init__(self, help: str) -> None:  # noqa: A002  # Typer's own name
        super().__init__(
            help=help,
            cls=Group,
            epilog=tr(EXIT_CODES),
            no_args_is_help=True,
            add_completion=False,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["--help", "-h"]},
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """As Typer's; give `help=tr(...)`, for a docstring isn't translated."""
        settings.setdefault("cls", Command)
        settings.setdefault("epilog", tr(EXIT_CODES))
        return super().command(name, **settings)

    def group(self, name: str, help: str) -> "App":  # noqa: A002  # Typer's own name
        """Adds a group of commands, `nuan NAME ...`, and returns it."""
        group = App(help)
        self.add_typer(group, name=name)
        return group


def translate_panels() -> None:
    """Gives Typer's own headings the chosen language, and long words without spaces their room."""
    rich_utils.highlighter = _Folding()
    rich_utils.ARGUMENTS_PANEL_TITLE = tr("Arguments")
    rich_utils.OPTIONS_PANEL_TITLE = tr("Options")
    rich_utils.COMMANDS_PANEL_TITLE = tr("Commands")
    rich_utils.DEFAULT_STRING = tr("[default: {}]")
    rich_utils.REQUIRED_LONG_STRING = tr("[required]")


def _translated_usage(text: str) -> str:
    return tr("Usage: {command}", command=text.removeprefix("Usage: "))


def _translated_help(option: Any) -> Any:
    if option is not None:
        option.help = tr("Show this message and exit.")
    return option
