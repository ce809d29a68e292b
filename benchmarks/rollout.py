"""Canary verdicts: how often a rollout ends as it should, over seeded trials on a simulated clock through the state machine.

``python -m benchmarks.rollout [--trials 100] [--seed 20000]``. The rules' defaults were chosen on seeds from 5,000 on.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.rollout_world import LABELS, NEW, START, Model, World
from benchmarks.verdicts import verdict
from clinical_ner.rollout.analysis.expectation import Expectation, Ratio
from clinical_ner.rollout.machine.actions import MoveLivePointer, WithdrawVersion
from clinical_ner.rollout.machine.advancing import advance
from clinical_ner.rollout.machine.facts import Facts
from clinical_ner.rollout.plan import RolloutPlan
from clinical_ner.rollout.runner import carry_out
from clinical_ner.rollout.status import Phase, RolloutSpec, RolloutStatus

LOOK_SECONDS = 30.0
GATE_ERROR, LIVE_ERROR = 0.04, 0.04
"""Standard deviation of the ratio that the gate measured on its sample of notes, and of the ratio on what arrives."""
ALL = dict.fromkeys(LABELS, 1.0)


@dataclass(frozen=True)
class Row:
    """A kind of canary; ``gate`` whether the gate's ratios are known, ``least`` how many of 100 must end as ``end``."""

    name: str
    model: Model
    end: Phase
    least: int
    gate: bool = True


MORE, HALF = dict.fromkeys(LABELS, 1.5), dict.fromkeys(LABELS, 0.5)
ROWS = (
    Row("identical", Model(), Phase.SUCCEEDED, 99),
    Row("identical, gate recorded nothing", Model(), Phase.SUCCEEDED, 99, gate=False),
    Row("better: 1.5x the entities", Model(entities=MORE), Phase.SUCCEEDED, 95),
    Row("better: 1.5x, gate recorded nothing", Model(entities=MORE), Phase.SUCCEEDED, 95, gate=False),
    Row("3x slower", Model(slower=3.0), Phase.ROLLED_BACK, 99),
    Row("2 % errors", Model(errors=0.02), Phase.ROLLED_BACK, 99),
    Row("half the entities", Model(entities=HALF), Phase.ROLLED_BACK, 99),
    Row("half, gate recorded nothing", Model(entities=HALF), Phase.ROLLED_BACK, 99, gate=False),
    Row("half of one label", Model(entities={"TREATMENT": 0.5}), Phase.ROLLED_BACK, 99),
    Row("scores 0.8x", Model(scores=0.8), Phase.ROLLED_BACK, 99),
    Row("scores 0.8x, gate recorded nothing", Model(scores=0.8), Phase.ROLLED_BACK, 99, gate=False),
)


@dataclass(frozen=True)
class Trial:
    """How one rollout ended."""

    status: RolloutStatus
    requests: float
    """That the canary had answered by then."""
    seconds: float

    @property
    def failed(self) -> list[str]:
        """The checks that ended it."""
        analysis = self.status.hold and self.status.hold.analysis
        return [check.name for check in analysis.checks if check.verdict == "fail"] if analysis else []


def ends_as(row: Row, status: RolloutStatus) -> bool:
    """A canary that is worse must have been found: one that was withdrawn because time was over is not to blame."""
    return (status.phase, status.blamed) == (row.end, row.end is Phase.ROLLED_BACK)


def run_trial(row: Row, seed: int, plan: RolloutPlan) -> Trial:
    """One rollout, from its start to its end."""
    generator = np.random.default_rng((seed, 1))
    entities = {label: row.model.entities.get(label, 1.0) for label in LABELS}
    # The gate expects what a good model shows; one that is broken in service showed nothing of it to the gate.
    good = entities if row.end is Phase.SUCCEEDED else ALL
    world = World(replace(row.model, entities={label: _near(entities[label], LIVE_ERROR, generator) for label in LABELS}), seed)
    ratios = {label: Ratio(low=value, high=value) for label in LABELS for value in [_near(good[label], GATE_ERROR, generator)]}
    score = _near(1.0, 0.01, generator)
    expectation = Expectation(champion="v1", entities=ratios, mean_score=Ratio(low=score, high=score)) if row.gate else None
    spec = RolloutSpec(
        name="v2",
        model="clinical-ner",
        version="v2",
        digest=NEW,
        uri="s3://models/v2",
        plan=plan,
        expectation=expectation,
        created=START,
        actor="benchmark",
        reason="trial",
    )
    status, requests = RolloutStatus(), 0.0
    while not status.ended:
        status = _look(world, spec, status)
        requests = world.processes["v2"].answered if "v2" in world.processes else requests
        world.pass_time(LOOK_SECONDS)
    return Trial(status, requests, world.seconds)


def _near(value: float, error: float, generator: np.random.Generator) -> float:
    return float(value * np.exp(generator.normal(0, error)))


def _look(world: World, spec: RolloutSpec, status: RolloutStatus) -> RolloutStatus:
    seen = world.observe()
    facts = Facts(target=seen, registry=world.standing(), canary=world.read("v2"), stable=world.read("v1"))
    status, actions = advance(spec, status, facts, world.now())
    for action in actions:
        if isinstance(action, MoveLivePointer):
            world.live = action.version
        elif isinstance(action, WithdrawVersion):
            world.withdrawn = True
        else:
            carry_out(world, action, seen)
    return status


def report_row(row: Row, trials: list[Trial]) -> bool:
    """Print how the trials of a row ended; whether enough of them as they should."""
    share = 100 * sum(ends_as(row, trial.status) for trial in trials) / len(trials)
    requests, hours = (np.median([getattr(trial, name) for trial in trials]) for name in ("requests", "seconds"))
    steps = [len(trial.status.steps) for trial in trials]
    passed = share >= row.least
    print(
        f"{row.name:<38} {row.end:<12} {share:5.0f} % (target {row.least})  {verdict(passed)}   "
        f"canary requests {requests:7,.0f}, hours {hours / 3600:4.1f}, steps passed {np.mean(steps):.1f}",
        flush=True,
    )
    if found := Counter(name for trial in trials for name in trial.failed):
        print(f"    by {', '.join(f'{name} {number}' for name, number in found.most_common())}")
    for trial in trials:
        if not ends_as(row, trial.status):
            print(f"    {trial.status.phase} at step {trial.status.step}: {trial.status.reason[:230]}")
    return passed


def report_steps(row: Row, trials: list[Trial]) -> None:
    """Print what each step took of a canary's requests until it passed."""
    print(f"\nRequests of the canary's when a step passed, {row.name}: median, 95th percentile, most; what its checks need")
    for index, percent in enumerate(step.percent for step in RolloutPlan().steps):
        records = [trial.status.steps[index] for trial in trials if len(trial.status.steps) > index]
        taken = np.array([record.requests for record in records])
        needed = {}
        for record in records:
            for check in record.analysis.checks:
                needed.setdefault(check.name, []).append(check.needed)
        most = ", ".join(f"{name} {np.median(values):,.0f}" for name, values in needed.items())
        print(f"{percent:4d} %  {np.median(taken):7,.0f} {np.quantile(taken, 0.95):7,.0f} {taken.max():7,.0f}   {most}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20_000)
    parser.add_argument("--row", default="")
    options = parser.parse_args()
    started, passed, results = time.perf_counter(), True, {}
    for number, row in enumerate(ROWS):
        if options.row in row.name:
            seeds = range(options.seed + 1000 * number, options.seed + 1000 * number + options.trials)
            results[row.name] = [run_trial(row, seed, RolloutPlan()) for seed in seeds]
            passed &= report_row(row, results[row.name])
    if ROWS[0].name in results:
        report_steps(ROWS[0], results[ROWS[0].name])
    print(f"\n{options.trials} trials a row, {time.perf_counter() - started:.0f} s: {verdict(passed)}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
