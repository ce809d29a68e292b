"""How the command line ends when something is wrong: one line that says what, and an exit code."""

import sys

import typer
from rich.console import Console
from rich.text import Text

from clinical_ner.errors import ClinicalNerError, ConfigError

FAILED = 1
MISUSED = 2


def run_app(app: typer.Typer) -> None:
    """Run ``app``; errors of this library become a message on standard error, never a traceback.

    Exit codes: 1 for what went wrong, 2 for what was asked wrongly (a parameter or setting).
    """
    app.pretty_exceptions_show_locals = False  # local variables hold note text
    try:
        app()
    except ClinicalNerError as error:
        Console(stderr=True).print(Text("error: ", style="bold red") + Text(str(error), style="default"), soft_wrap=True)
        sys.exit(MISUSED if isinstance(error, ConfigError) else FAILED)
