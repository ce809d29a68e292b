"""A rollout in a paragraph: where it stands, why, and what it waits for. Pure."""

from clinical_ner.rollout.status import Hold, Phase, RolloutSpec, RolloutStatus, StepRecord

_PHASES = {
    Phase.PENDING: "has not begun",
    Phase.WAITING_APPROVAL: "waits for approval",
    Phase.STARTING: "loads its model, which gets no traffic yet",
    Phase.SHIFTING: "moves traffic",
    Phase.HOLDING: "holds its step and collects evidence",
    Phase.PROMOTING: "promotes",
    Phase.ROLLING_BACK: "goes back",
    Phase.SUCCEEDED: "succeeded",
    Phase.ROLLED_BACK: "was rolled back",
    Phase.FAILED: "failed, and a person must look",
}


def explain(spec: RolloutSpec, status: RolloutStatus) -> str:
    """Why the rollout stands where it stands and what it waits for, in one paragraph."""
    sentences = [
        f"Rollout {spec.name} of {spec.model} {spec.version} {_PHASES[status.phase]}: {status.reason}.",
        _traffic(spec, status),
        *(describe_step(record) for record in status.steps),
        _hold(spec, status.hold) if status.hold and status.phase is Phase.HOLDING else "",
        f"It waits for {status.waits_for}." if status.waits_for else "",
        f"At present: {'; '.join(status.problems)}." if status.problems and not status.ended else "",
        f"{spec.version} is withdrawn in the registry, for good." if status.blamed and status.ended else "",
    ]
    return " ".join(filter(None, sentences))


def _traffic(spec: RolloutSpec, status: RolloutStatus) -> str:
    if status.ended or status.phase is Phase.PENDING:
        return ""
    stable = status.stable_version or "nothing"
    if status.percent is None:
        return f"How traffic is divided between {stable} and {spec.version} is not known at this moment."
    return f"{spec.version} carries {status.percent} % of the traffic, {stable} the rest."


def describe_step(record: StepRecord) -> str:
    """A step that passed, in a sentence."""
    requests = f"{record.requests:,} requests ({record.stable_requests:,} of the stable version)"
    return f"{record.percent} % was held {record.held_seconds:.0f} seconds for {requests} and passed."


def _hold(spec: RolloutSpec, hold: Hold) -> str:
    requests = hold.canary.sample.counts.requests
    text = f"So far {hold.held_seconds:.0f} seconds and {requests:,.0f} requests"
    if hold.restarts:
        text += f", after the hold began again {hold.restarts} time{'s' if hold.restarts > 1 else ''}"
    verdict = f"; the last look says {hold.analysis.verdict}: {hold.analysis.reason}" if hold.analysis else "; not judged yet"
    note = "" if spec.expectation else "; the gate recorded no ratios, so only collapse is looked for"
    return f"{text}{verdict}{note}."
