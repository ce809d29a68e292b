"""The whole loop on synthetic notes, step by step: train, serve, watch, correct, train again, compare."""

import secrets
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from clinical_ner.cli import app as clinical_ner
from clinical_ner.documents import Document
from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.results import collect_results
from clinical_ner.reports.story import Link, Step, link_to
from clinical_ner.resubmit import RunReference, RunState
from clinical_ner.resubmit.local_backend import LocalBackend, read_parameters
from clinical_ner.storage import path_of
from pipelines import running
from pipelines.definitions import MONITORING
from pipelines.demonstration.annotators import correct_tasks
from pipelines.demonstration.server import ask, serve
from pipelines.demonstration.traffic import TwoWindows, send_two_windows, wait_until_logged
from pipelines.parameters import default_parameters

NOTE = (
    "Pt is a 64 y/o man with type 2 diabetes and hypertension, admitted with community-acquired pneumonia.\n"
    "Started on ceftriaxone and azithromycin; metformin continued. Denies chest pain."
)
EXPERIMENT_TRIALS = 5
TONES = {"none": "fine", "watch": "note", "retrain": "warning", "experiment": "problem"}


@dataclass(slots=True)
class Loop:
    """The loop's folder, and what happened so far; every step shows on ``console`` and is kept for the story."""

    output: Path
    console: Console
    page: Path
    steps: list[Step] = field(default_factory=list)
    model_name: str = "clinical-ner"
    _key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def registry_uri(self) -> str:
        return (self.output / "registry").as_uri()

    @property
    def log_uri(self) -> str:
        return (self.output / "log").as_uri()

    @contextmanager
    def step(self, title: str) -> Iterator["Notes"]:
        """Time a step and keep what the block wrote down of it."""
        self.console.rule(title)
        started, notes = time.monotonic(), Notes()
        yield notes
        seconds = time.monotonic() - started
        links = [link if isinstance(link, Link) else link_to(link, self.page) for link in notes.links]
        self.steps.append(Step(title, seconds, notes.sentences, notes.outcome, notes.tone, links, notes.command))

    def train(self) -> dict[str, Any]:
        """Train, judge and register the first version; returns the run's results."""
        with self.step("Train, judge, register") as notes:
            parameters = default_parameters(registry_uri=self.registry_uri, show_note_text=True)
            results = running.run(parameters, self.output / "v1", self.console)
            if not results["model"]["uri"]:
                raise PipelineRunError(f"the gate rejected the model: see {results['reports']['gate_report']}")
            scores = results["metrics"]["strict"]
            notes.say(f"Trained on {parameters['corpus_uri']}; strict F1 {scores['f1']:.3f} on notes held out from it.")
            notes.say("No version was live before: the gate asked for floors only.")
            notes.end(results["gate"]["verdict"], "fine", *results["reports"].values())
            notes.command = f"python -m pipelines run --registry-uri {self.registry_uri}"
        return results

    @contextmanager
    def serve(self, model_uri: str) -> Iterator[str]:
        """The model behind the v2 protocol, logging, every note a review sample; yields its base URL."""
        model_dir = path_of(model_uri)
        options = ["--inference-log-uri", self.log_uri, "--inference-log-spool", str(self.output / "spool")]
        options += ["--inference-log-flush-seconds", "0.5", "--drain-seconds", "0", "--review-uniform-probability", "1"]
        log = self.output / f"server-{model_dir.name}.log"
        with ExitStack() as stack:
            with self.step(f"Serve {model_dir.name}") as notes:
                key = {"CLINICAL_NER_INFERENCE_LOG_KEY": self._key}
                base_url = stack.enter_context(serve(model_dir, log, *options, environment=key))
                found = self._ask(base_url)
                notes.say(f"Ready, and asked over the v2 protocol about one note: {found} entities.")
                notes.end("ready", "fine", log)
                notes.command = f"python -m serving --model-dir {model_dir}"
            yield base_url

    def _ask(self, base_url: str) -> int:
        """Ask about one note, and show the answer; returns the number of its entities."""
        with requests.Session() as session:
            (reply,) = ask(session, base_url, self.model_name, [Document("", NOTE, ())])
        self.console.print(NOTE, style="italic", highlight=False)
        for entity in reply.entities:
            self._show(f"  {entity['label']:<10} {entity['text']} ({entity['score']:.2f})")
        return len(reply.entities)

    def send(self, base_url: str, title: str, what: str, sent: Sequence[Document]) -> TwoWindows:
        """Send two windows of notes, and wait until the log has them."""
        with self.step(title) as notes:
            windows = send_two_windows(base_url, self.model_name, sent)
            wait_until_logged(self.log_uri, self.model_name, windows)
            notes.say(f"{len(windows.notes)} notes of other patients in two windows, {what}.")
            notes.say("All were answered, and logged without their text.")
            notes.end("logged", "note", self.output / "log" / "inference-log")
        return windows

    def watch(self, title: str, windows: TwoWindows, folder: str, **changed: object) -> dict[str, Any]:
        """Run the monitoring pipeline on the windows; returns its results."""
        with self.step(title) as notes:
            chosen = {
                "registry_uri": self.registry_uri,
                "log_uri": self.log_uri,
                "window_hours": windows.hours,
                "window_end": windows.end.isoformat(),
                "mode": "auto",
                "experiment_trials": EXPERIMENT_TRIALS,
                "training_package": str(self.output / "v1" / "pipeline.yaml"),
                "training_parameters": '{"show_note_text": true, "promote": "never"}',
                "runs_folder": str(self.output / "runs"),
                "evidently_workspace": str(self.output / "evidently"),
            }
            parameters = default_parameters(MONITORING.function, **(chosen | changed))
            results = running.monitor(parameters, self.output / folder, self.console)
            decision, outcome = results["decision"], results["outcome"]
            for reason in decision["reasons"]:
                notes.say(reason)
            if outcome and outcome["status"] == "submitted":
                notes.say(f"A training was submitted, the only one for cause {outcome['cause_id'][:12]}.")
            elif outcome:
                notes.say(f"Nothing was submitted ({outcome['status']}): {outcome['reason']}.")
            notes.end(decision["action"], TONES.get(decision["action"], "warning"), *results["reports"].values())
            notes.links.append(link_to(results["decision_path"], self.page))
            notes.command = f"python -m pipelines monitor --registry-uri {self.registry_uri} --log-uri {self.log_uri} ..."
        return results

    def correct(self, windows: TwoWindows) -> None:
        """Send the windows' review samples to annotators, and take their corrections back."""
        with self.step("Review and correct") as notes:
            tasks, export = self.output / "tasks.json", self.output / "annotated.json"
            where = ["--samples-uri", self.log_uri, "--registry-uri", self.registry_uri]
            self.run_command("feedback", "export", *where, "--out", str(tasks), "--config-out", str(self.output / "labels.xml"))
            corrected = correct_tasks(tasks, windows.notes, export)
            notes.command = self.run_command("feedback", "add", str(export), *where)
            notes.say(
                f"{corrected} de-identified notes went out as Label Studio tasks with what the model had found, and came back."
            )
            notes.say("Annotators are played by the gold entities of the synthetic notes.")
            notes.end("corrected", "note", tasks, self.output / "labels.xml")

    def train_again(self, outcome: dict[str, Any]) -> dict[str, Any]:
        """See the resubmitted training to its end; a person approves what an experiment made. Returns its results."""
        with self.step("Train again, judge against the live version") as notes:
            folder = self.output / "runs" / outcome["run"]["run_id"]
            backend = LocalBackend(self.output / "v1" / "pipeline.yaml", self.output / "runs")
            state = backend.wait(RunReference(**outcome["run"]), self._show)
            if state is not RunState.SUCCEEDED:
                raise PipelineRunError(f"the resubmitted training {state}: see {folder}")
            results = collect_results(backend.package, folder, read_parameters(folder), {})
            if not results["model"]["uri"]:
                raise PipelineRunError(f"the gate rejected the new model: see {results['reports']['gate_report']}")
            for check in results["gate"]["checks"]:
                if check["reason"].startswith("F1 "):
                    notes.say(f"{check['name'].capitalize()}: {check['reason']}.")
            notes.end(results["gate"]["verdict"], "fine", *results["reports"].values())
        return results

    def _show(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def run_command(self, *arguments: str) -> str:
        """Run a command of ``clinical-ner`` as its user would; returns it as typed."""
        command = shlex.join(["clinical-ner", *arguments])
        self.console.print(command, style="dim", soft_wrap=True, highlight=False)
        clinical_ner(list(arguments), standalone_mode=False)
        return command


@dataclass(slots=True)
class Notes:
    """What a step writes down of itself."""

    sentences: list[str] = field(default_factory=list)
    outcome: str = ""
    tone: str = "note"
    links: list[Link | str | Path] = field(default_factory=list)
    command: str = ""

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def end(self, outcome: str, tone: str, *links: str | Path) -> None:
        self.outcome, self.tone = outcome, tone
        self.links += links
