"""A local run as a person sees it: progress, then where each report lies."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from clinical_ner.pipeline_runs.local import run_locally
from clinical_ner.pipeline_runs.progress import ProgressDisplay
from clinical_ner.pipeline_runs.results import RUN_JSON, collect_monitoring, collect_results
from clinical_ner.stages.training_parameters import check_training_parameters
from pipelines.compilation import compile_pipeline
from pipelines.definitions import MONITORING, TRAINING, Definition


def run(parameters: dict[str, object], output: Path, console: Console, *, quiet: bool = False) -> dict[str, Any]:
    """Compile and run the training pipeline into ``output``; show the outcome and return what ``run.json`` holds.

    Several tuning workers on one machine share a journal file under ``output`` when no ``study_storage`` is given.

    Raises:
        ConfigError: a parameter is wrong, be it one of the last stage; nothing was run.
    """
    check_training_parameters(parameters, read_plan=True)
    if parameters["tuning_workers"] != 1 and not parameters["study_storage"]:
        parameters = {**parameters, "study_storage": f"journal://{output}/study.journal"}
    package, seconds = _execute(TRAINING, parameters, output, console, quiet=quiet)
    results = collect_results(package, output, parameters, seconds)
    _show(results, output, console)
    return results


def monitor(parameters: dict[str, object], output: Path, console: Console, *, quiet: bool = False) -> dict[str, Any]:
    """Compile and run the monitoring pipeline into ``output``; show what was decided and return what ``run.json`` holds."""
    package, seconds = _execute(MONITORING, parameters, output, console, quiet=quiet)
    results = collect_monitoring(package, output, parameters, seconds)
    _show_decision(results, output, console)
    return results


def _execute(
    definition: Definition, parameters: dict[str, object], output: Path, console: Console, *, quiet: bool
) -> tuple[Path, dict[str, float]]:
    """The compiled file that was run, and the seconds of each task."""
    package = output / "pipeline.yaml"
    compile_pipeline(package, definition=definition)
    with ProgressDisplay(console, quiet=quiet) as progress:
        run_locally(package, parameters, output, progress)
    return package, progress.seconds_by_task()


def _show(results: dict[str, Any], output: Path, console: Console) -> None:
    strict = results["metrics"]["strict"]
    scores = Table("strict", "precision", "recall", "F1", "95 % interval", "gold spans", box=None, pad_edge=False)
    for label, score in {"all": strict, **strict["per_label"]}.items():
        interval = f"{score['f1_low']:.3f} to {score['f1_high']:.3f}"
        numbers = [f"{score[name]:.3f}" for name in ("precision", "recall", "f1")]
        scores.add_row(label, *numbers, interval, str(score["gold_spans"]))
    console.print(scores)
    gate, model = results["gate"], results["model"]
    console.print(f"gate: [bold]{gate['verdict']}[/]")
    for check in gate["checks"]:
        if check["verdict"] == "fail":
            console.print(f"  failed: {check['name']}: {check['value']} ({check['threshold']}); {check['reason']}")
    console.print(f"model: {model['uri'] or 'not registered'} ({model['digest']})", soft_wrap=True)
    _show_paths(results, output, console)


def _show_decision(results: dict[str, Any], output: Path, console: Console) -> None:
    decision, outcome = results["decision"], results["outcome"]
    console.print(f"decision: [bold]{decision['action']}[/], {decision['deviation']:.1f} % in both windows")
    for reason in decision["reasons"]:
        console.print(f"  {reason}", soft_wrap=True, highlight=False, markup=False)
    if outcome:
        console.print(f"resubmission: [bold]{outcome['status']}[/]")
        alerts = outcome["alerts"]
        told = any(outcome["reason"] in alert for alert in alerts)
        for line in alerts if told else (outcome["reason"], *alerts):
            console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"decision in full: {results['decision_path']}", soft_wrap=True, highlight=False)
    _show_paths(results, output, console)


def _show_paths(results: dict[str, Any], output: Path, console: Console) -> None:
    for name, path in results["reports"].items():
        console.print(f"{name}: {path}", soft_wrap=True, highlight=False)
    console.print(f"all of it: {output / RUN_JSON}", soft_wrap=True, highlight=False)
