"""The command line, ``clinical-ner``: one module a group of commands."""

import typer

from clinical_ner.cli import corpus, data, feedback, kpi, log, models, new_words, resubmit, rollout, tagging
from clinical_ner.cli.errors import run_app

app = typer.Typer(
    help="Find diseases and treatments in clinical notes, and look after the corpora and models that takes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.add_typer(corpus.app, name="corpus")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(log.app, name="log")
app.add_typer(feedback.app, name="feedback")
app.add_typer(resubmit.app, name="resubmit")
app.add_typer(rollout.app, name="rollout")
feedback.app.command("new-words")(new_words.new_words)
app.command("predict")(tagging.predict)
app.command("evaluate")(tagging.evaluate)
app.command("kpi")(kpi.kpi)


def main() -> None:
    """Entry point of the installed command."""
    run_app(app)
