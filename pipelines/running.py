"""A local run as a person sees it: progress, then where each report lies."""

import warnings
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from clinical_ner.pipeline_runs.local import run_locally
from clinical_ner.pipeline_runs.progress import ProgressDisplay
from clinical_ner.pipeline_runs.results import RUN_JSON, collect_results
from pipelines.compilation import compile_pipeline


def run(parameters: dict[str, object], output: Path, console: Console, *, quiet: bool = False) -> dict[str, Any]:
    """Compile and run the pipeline into ``output``; show the outcome and return what ``run.json`` holds.

    Several tuning workers on one machine share a journal file under ``output`` when no ``study_storage`` is given.
    """
    if parameters["tuning_workers"] != 1 and not parameters["study_storage"]:
        parameters = {**parameters, "study_storage": f"journal://{output}/study.journal"}
    package = output / "pipeline.yaml"
    compile_pipeline(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # KFP tells of settings for clusters that do nothing on one machine
        with ProgressDisplay(console, quiet=quiet) as progress:
            run_locally(package, parameters, output, progress)
    results = collect_results(package, output, parameters, progress.seconds_by_task())
    _show(results, output, console)
    return results


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
    for name, path in results["reports"].items():
        console.print(f"{name}: {path}", soft_wrap=True, highlight=False)
    console.print(f"all of it: {output / RUN_JSON}", soft_wrap=True, highlight=False)
