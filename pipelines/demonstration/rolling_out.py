"""The last steps of the demonstration: the new version goes live step by step, and a bad one is taken back."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from clinical_ner.documents import Document
from clinical_ner.errors import PipelineRunError
from clinical_ner.registry import Registry
from clinical_ner.reports.rollout_story import RolloutStory, tell_rollout
from clinical_ner.rollout.local import LocalTarget
from clinical_ner.rollout.local.launching import launch, new_state
from clinical_ner.rollout.local.state import write_state
from clinical_ner.rollout.status import Phase
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import ModelReference
from clinical_ner.storage import open_storage
from pipelines.demonstration.bad_model import ITERATIONS, register_bad_model
from pipelines.demonstration.callers import Callers
from pipelines.demonstration.loop import Loop, Notes
from pipelines.demonstration.server import START_SECONDS, STOP_SECONDS, free_port

PLAN = """\
# A demonstration has a minute where a hospital takes days: short holds, small samples and with them wide limits.
steps:
  - {percent: 1, hold_seconds: 5, min_requests: 110}
  - {percent: 10, hold_seconds: 4, min_requests: 200}
  - {percent: 50, hold_seconds: 4, min_requests: 400}
  - {percent: 100, hold_seconds: 4, min_requests: 400}
inconclusive_seconds: 240
rules:
  allowed_errors: 0.06
  allowed_refusals: 0.1
  # Callers, split and servers share two cores.
  slower: 4
  tolerated_slow_median: 0.1
  allowed_slow_median: 0.25
  tolerated_slow_tail: 0.05
  allowed_slow_tail: 0.15
"""
BEFORE_AND_AFTER_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Service:
    """A local service that serves the live version; ``notes`` are what its callers send."""

    folder: Path
    base_url: str
    notes: Sequence[Document]


@contextmanager
def local_service(loop: Loop, notes: Sequence[Document]) -> Iterator[Service]:
    """Serve the live version behind the split of a local service; its servers end with the block."""
    live = Registry(open_storage(loop.registry_uri)).champion(loop.model_name)
    if live is None:
        raise PipelineRunError("no version is live: there is nothing to serve")
    port = free_port()
    # Not below the output, whose path may be too long for a socket.
    with TemporaryDirectory(prefix="clinical-ner-") as name:
        folder, stable = Path(name), ModelReference(live.version, live.digest, live.uri)
        write_state(folder, new_state(loop.model_name, port, ("--drain-seconds", "1"), stable))
        process = launch(folder)
        try:
            _wait_until_ready(folder)
            yield Service(folder, f"http://127.0.0.1:{port}", notes)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _wait_until_ready(folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ((stable := LocalTarget(folder).observe().stable) and stable.ready):
        if time.monotonic() > deadline:
            raise PipelineRunError(f"the live version was not ready within {START_SECONDS} s")
        time.sleep(0.1)


def go_live(loop: Loop, service: Service, version: str) -> RolloutStory:
    """Approve what the experiment made, as a person does, and roll it out.

    Raises:
        PipelineRunError: it did not go live, or a call failed.
    """
    with loop.step(f"Approve, roll out {version}") as notes:
        loop.run_command("models", "approve", version, "--reason", "read the gate report", *_decided(loop))
        notes.say("What an experiment finds waits for a person, and then for what it shows beside the version before it.")
        story = _roll_out(loop, service, version, "the hospital has changed", notes)
        shares = " → ".join(f"{step.percent}" for step in story.steps)
        notes.say(f"{version} got {shares} % of the traffic; each step was held and judged. It is live now.")
        notes.end("live", "fine", loop.output / "rollout-plan.yaml")
        _check(story, Phase.SUCCEEDED)
    return story


def take_back(loop: Loop, service: Service, like: str) -> RolloutStory:
    """Roll out a version that is bad on purpose, which must end with everything as it was.

    Raises:
        PipelineRunError: it was not rolled back, or a call failed.
    """
    with loop.step("Roll out a bad version") as notes:
        version = register_bad_model(loop.registry_uri, loop.model_name, like)
        notes.say(f"{version} was trained for {ITERATIONS} iterations only, on purpose, and approved by hand, past the gate.")
        loop.run_command("models", "approve", version, "--reason", "bad on purpose: shows a roll back", *_decided(loop))
        story = _roll_out(loop, service, version, "to show how it ends", notes)
        notes.say(f"It was {story.reason}.")
        notes.say(f"{story.answered:,} of {story.calls:,} calls had reached it; {like} serves everybody again.")
        notes.end("rolled back", "fine")
        _check(story, Phase.ROLLED_BACK)
    return story


def _roll_out(loop: Loop, service: Service, version: str, reason: str, notes: Notes) -> RolloutStory:
    """Ask for the rollout and carry it out while callers send notes."""
    plan = loop.output / "rollout-plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    registry = ("--registry-uri", loop.registry_uri)
    with Callers(service.base_url, loop.model_name, service.notes) as callers:
        time.sleep(BEFORE_AND_AFTER_SECONDS)
        options = ("--plan", str(plan), "--reason", reason, *_decided(loop))
        notes.command = loop.run_command("rollout", "start", version, *options)
        loop.run_command("rollout", "run", "--target", f"local:{service.folder}", "--interval", "0.3", *registry)
        time.sleep(BEFORE_AND_AFTER_SECONDS)
    stored = StoredRollouts(open_storage(loop.registry_uri), loop.model_name).all()[-1]
    loop.run_command("rollout", "explain", stored.spec.name, *registry)
    story = tell_rollout(stored, callers.calls)
    notes.say(f"{story.calls:,} notes were sent meanwhile; {story.failed:,} calls failed.")
    return story


def _decided(loop: Loop) -> tuple[str, ...]:
    return ("--registry-uri", loop.registry_uri, "--actor", "demo")


def _check(story: RolloutStory, end: Phase) -> None:
    if story.outcome != end or story.failed:
        raise PipelineRunError(f"the rollout of {story.version} {story.outcome}, {story.failed} calls failed: {story.reason}")
