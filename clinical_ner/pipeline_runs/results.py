"""What a local run left behind: ``run.json``, and the reports a person opens."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from kfp.components import load_component_from_file

from clinical_ner.pipeline_runs.local import ARTIFACTS, LOG

RUN_JSON = "run.json"
DECISION_JSON = "decision.json"
_REPORT_TYPES = {"system.HTML": ".html", "system.Markdown": ".md"}


def collect_results(
    package: Path, output: Path, parameters: Mapping[str, object], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Gather the results of the newest run of ``package`` under ``output`` and write them to ``output/run.json``.

    Reports are copied to ``output/reports`` under names with an extension, since KFP gives artifacts none. A stage that did
    not run (registration and rollout, when the gate rejects) leaves its fields ``None``.
    """
    root = max((output / ARTIFACTS).iterdir())
    evaluation = _read_json(root / "evaluate" / "evaluation")
    gate = _read_json(root / "quality-gate" / "gate")
    results = {
        "parameters": dict(parameters),
        "seconds": dict(seconds),
        "metrics": {name: evaluation.get(name) for name in ("strict", "overlap")},
        "evaluation": evaluation,
        "gate": {name: gate.get(name) for name in ("verdict", "champion", "checks", "comparison")},
        "model": {"uri": _read_output(root, "register"), "digest": _read_output(root, "train")},
        "rollout": {"name": _read_output(root, "rollout", "rollout_name"), "outcome": _read_output(root, "rollout", "outcome")},
        "dataset_digest": _read_output(root, "ingest", "dataset_digest"),
        "reports": {name: str(path) for name, path in _copy_reports(root, output / "reports", _report_suffixes(package))},
        "log": str(output / LOG),
    }
    return _write(output, results)


def collect_monitoring(
    package: Path, output: Path, parameters: Mapping[str, object], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """As :func:`collect_results`, of a monitoring pipeline; ``outcome`` is empty when no resubmission was considered.

    The decision in full is copied to ``output/decision.json``.
    """
    root = max((output / ARTIFACTS).iterdir())
    decision = output / DECISION_JSON
    decision.write_bytes((root / "decide" / "decision").read_bytes())
    results = {
        "parameters": dict(parameters),
        "seconds": dict(seconds),
        "decision": _read_json(decision),
        "decision_path": str(decision),
        "outcome": _read_json(root / "resubmit" / "outcome"),
        "reports": {name: str(path) for name, path in _copy_reports(root, output / "reports", _report_suffixes(package))},
        "log": str(output / LOG),
    }
    return _write(output, results)


def _write(output: Path, results: dict[str, Any]) -> dict[str, Any]:
    (output / RUN_JSON).write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return results


def _read_json(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    return parsed


def _read_output(root: Path, task: str, name: str = "Output") -> str | None:
    parameters = _read_json(root / task / "executor_output.json").get("parameterValues", {})
    value: str | None = parameters.get(name)
    return value


def _report_suffixes(package: Path) -> dict[str, str]:
    """File extension of every artifact in the compiled pipeline that a person reads, by the artifact's name."""
    components = load_component_from_file(str(package)).pipeline_spec.components.values()
    types = {
        name: artifact.artifact_type.schema_title
        for component in components
        for name, artifact in component.output_definitions.artifacts.items()
    }
    return {name: _REPORT_TYPES[title] for name, title in types.items() if title in _REPORT_TYPES}


def _copy_reports(root: Path, target: Path, suffixes: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(path for name in suffixes for path in root.glob(f"*/{name}")):
        copy = target / f"{source.name}{suffixes[source.name]}"
        copy.write_bytes(source.read_bytes())
        yield source.name, copy
