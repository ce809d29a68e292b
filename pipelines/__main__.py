"""``python -m pipelines``: compile, run, submit, demo."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clinical_ner.cli.errors import run_app
from clinical_ner.settings import Settings
from pipelines import demonstration, running
from pipelines.compilation import COMPILED, compile_pipeline
from pipelines.parameters import with_pipeline_parameters
from pipelines.platform import Platform

app = typer.Typer(
    help="Compile, run and submit the clinical NER training pipeline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)

Output = Annotated[Path | None, typer.Option(help="Folder for results; a new one under runs/ when not given.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


@app.command("compile")
def compile_command(
    output: Annotated[Path, typer.Option(help="File to write.")] = COMPILED,
    image: Annotated[str, typer.Option(help="Image of every step, by tag or digest.")] = Platform().image,
    service_account: Annotated[str, typer.Option(help="Kubernetes service account that runs are submitted with.")] = "",
    s3_secret: Annotated[str, typer.Option(help="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")] = "",
    study_secret: Annotated[str, typer.Option(help="Secret with PGPASSWORD of the tuning database.")] = "",
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="Write Pipeline and PipelineVersion objects.")] = False,
    namespace: Annotated[str, typer.Option(help="Namespace of those objects.")] = "",
) -> None:
    """Compile the pipeline to the file that KFP takes; the platform team's choices enter here."""
    platform = Platform(image=image, service_account=service_account, s3_secret=s3_secret, study_secret=study_secret)
    compile_pipeline(output, platform, kubernetes=kubernetes, namespace=namespace)
    typer.echo(f"wrote {output}")


@app.command("run")
@with_pipeline_parameters(registry_uri=Settings().registry_uri)
def run_command(parameters: dict[str, object], output: Output = None, quiet: Quiet = False) -> None:
    """Run the compiled pipeline on this machine, each stage in a process of its own."""
    folder = output or Path("runs") / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    running.run(parameters, folder.absolute(), Console(file=sys.stdout), quiet=quiet)


@app.command("demo")
def demo_command(output: Annotated[Path, typer.Option(help="Folder for results.")] = Path("demo")) -> None:
    """Show the whole loop on synthetic notes: train, judge, register, serve, ask."""
    demonstration.demonstrate(output.absolute(), Console(file=sys.stdout))


def main() -> None:
    """Run the command line; our own errors become one line and exit code 1."""
    run_app(app)


if __name__ == "__main__":
    main()
