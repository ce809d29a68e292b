"""What became of a version's rollout (Markdown): where it stands, its plan, what each step showed, and the next commands."""

from clinical_ner.model_versions import ModelVersion
from clinical_ner.reports.theme import render_markdown
from clinical_ner.rollout.addresses import KServeAddress, parse_address
from clinical_ner.rollout.explanation import explain
from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import Phase
from clinical_ner.version_states import State

_MARKS = {Phase.SUCCEEDED: "✓", Phase.ROLLED_BACK: "✗", Phase.FAILED: "✗"}
_APPROVALS = {
    "none": "Nobody is asked: it goes on when its checks pass.",
    "before-start": "A person approves its start.",
    "before-100": "A person approves 100 %.",
}
_NEXT = {
    State.LIVE: "It is live.",
    State.APPROVED: "It waits to be rolled out (`clinical-ner rollout start`) or promoted (`clinical-ner models promote`).",
    State.CANDIDATE: "It waits for a person's approval (`clinical-ner models approve`).",
}


def render_rollout_report(stored: Stored, target: str) -> str:
    """Markdown of a rollout as it was seen last at ``target``."""
    status, plan = stored.status, stored.spec.plan
    return render_markdown(
        "rollout_report",
        spec=stored.spec,
        status=status,
        target=target,
        mark=_MARKS.get(status.phase, "…"),
        paragraph=explain(stored.spec, status),
        approval=_APPROVALS[plan.approval],
        steps=_steps(stored, plan),
        commands=() if status.ended else _commands(stored, target),
    )


def render_no_rollout(version: ModelVersion) -> str:
    """Markdown for a version that was not rolled out by the pipeline."""
    return f"# {version.version}: no rollout was asked for\n\n{_NEXT.get(version.state, f'It is {version.state}.')}\n"


def _steps(stored: Stored, plan: RolloutPlan) -> list[dict[str, object]]:
    """A row for each step of the plan: what it wants, and what it showed."""
    held = {record.percent: record for record in stored.status.steps}
    rows: list[dict[str, object]] = []
    for step in plan.steps:
        row: dict[str, object] = {"percent": step.percent, "hold_seconds": step.hold_seconds, "min_requests": step.min_requests}
        record = held.get(step.percent)
        shown = f"{record.held_seconds:.0f} s, {record.requests:,} requests" if record else ""
        rows.append({**row, "shown": shown, "verdict": record.analysis.verdict if record else ""})
    return rows


def _commands(stored: Stored, target: str) -> list[str]:
    """What a person may type next."""
    address, name = parse_address(target), stored.spec.name
    if isinstance(address, KServeAddress):
        return [
            f"kubectl -n {address.namespace} get modelrollout {name}",
            f"clinical-ner rollout explain {name} --target {target}",
        ]
    return [f"clinical-ner rollout run --target {target}", f"clinical-ner rollout explain {name}"]
