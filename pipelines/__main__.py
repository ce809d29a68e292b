"""``python -m pipelines``: compile, run, monitor, submit, schedule, demo."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clinical_ner.cli.errors import run_app
from clinical_ner.settings import Settings
from pipelines import running, scheduling, submitting
from pipelines.compilation import compile_pipeline
from pipelines.definitions import DEFINITIONS, FOLDER, MONITORING, TRAINING
from pipelines.parameters import parse_defaults, with_pipeline_parameters
from pipelines.platform import Platform

app = typer.Typer(
    help="Compile, run, submit and schedule the clinical NER pipelines: training and monitoring.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.add_typer(submitting.app, name="submit")
app.add_typer(scheduling.app, name="schedule")

Output = Annotated[Path | None, typer.Option(help="Folder for results; a new one under runs/ when not given.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


@app.command("compile")
def compile_command(
    output: Annotated[Path, typer.Option(help="Folder to write into.", show_default="pipelines/compiled")] = FOLDER,
    image: Annotated[str, typer.Option(help="Image of every step, by tag or digest.")] = Platform().image,
    service_account: Annotated[str, typer.Option(help="Kubernetes service account that runs are submitted with.")] = "",
    s3_secret: Annotated[str, typer.Option(help="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")] = "",
    s3_config: Annotated[str, typer.Option(help="ConfigMap with AWS_ENDPOINT_URL and AWS_REGION.")] = "",
    s3_endpoint: Annotated[str, typer.Option(help="S3 server that the steps use, http(s)://host:port.")] = "",
    s3_region: Annotated[str, typer.Option(help="Region of the bucket.")] = "",
    study_secret: Annotated[str, typer.Option(help="Secret with PGPASSWORD of the tuning database.")] = "",
    default: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Default of a parameter, of each pipeline that has it; may be repeated."),
    ] = None,
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="Write Pipeline and PipelineVersion objects.")] = False,
    namespace: Annotated[str, typer.Option(help="Namespace of those objects.")] = "",
) -> None:
    """Compile each pipeline to the file that KFP takes; the platform team's choices enter here."""
    platform = Platform(
        image=image,
        service_account=service_account,
        s3_secret=s3_secret,
        s3_config=s3_config,
        s3_endpoint=s3_endpoint,
        s3_region=s3_region,
        study_secret=study_secret,
        defaults=parse_defaults(default or (), [each.function for each in DEFINITIONS]),
    )
    for definition in DEFINITIONS:
        path = output / definition.file_name
        compile_pipeline(path, platform, definition=definition, kubernetes=kubernetes, namespace=namespace)
        typer.echo(f"wrote {path}")


@app.command("run")
@with_pipeline_parameters(registry_uri=Settings().registry_uri)
def run_command(parameters: dict[str, object], output: Output = None, quiet: Quiet = False) -> None:
    """Run the compiled training pipeline on this machine, each stage in a process of its own."""
    running.run(parameters, _folder(output), Console(file=sys.stdout), quiet=quiet)


@app.command("monitor")
@with_pipeline_parameters(
    MONITORING.function,
    registry_uri=Settings().registry_uri,
    log_uri=Settings().inference_log_uri,
    training_package=str(TRAINING.compiled),
    runs_folder=str(Path("runs").absolute()),
    kfp_host=Settings().kfp_host,
)
def monitor_command(parameters: dict[str, object], output: Output = None, quiet: Quiet = False) -> None:
    """Run the monitoring pipeline on this machine: judge the last two windows, decide, resubmit where that is asked for."""
    running.monitor(parameters, _folder(output), Console(file=sys.stdout), quiet=quiet)


def _folder(output: Path | None) -> Path:
    return (output or Path("runs") / datetime.now(UTC).strftime("%Y%m%d-%H%M%S")).absolute()


@app.command("demo")
def demo_command(output: Annotated[Path, typer.Option(help="Folder for results.")] = Path("demo")) -> None:
    """Show the whole loop on synthetic notes, in four minutes: train, serve, watch, correct, train again, roll out and back."""
    # Only this command needs a server's clients, a de-identifier and pages.
    from pipelines import demonstration

    demonstration.demonstrate(output.absolute(), Console(file=sys.stdout))


def main() -> None:
    """Run the command line; our own errors become one line and exit code 1."""
    run_app(app)


if __name__ == "__main__":
    main()
