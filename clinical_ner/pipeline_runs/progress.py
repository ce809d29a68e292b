"""What a local run is doing, read from KFP's own output, and its display."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

State = Literal["running", "done", "failed"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '(?P<task>[^']+)'")
_FINISHED = re.compile(r"Task '(?P<task>[^']+)' finished with status (?P<status>SUCCESS|FAILURE)")
_STAGE_LOG = re.compile(r"\[(?:info|warning) *\] (?P<message>.*)")
_MARKS = {"done": Text("done", style="green"), "failed": Text("FAILED", style="bold red")}


@dataclass(slots=True)
class Step:
    """One task of the run; times are of a monotonic clock, in seconds."""

    task: str
    started: float
    state: State = "running"
    ended: float | None = None
    note: str = ""
    """The last thing that the stage logged."""

    def seconds(self, now: float) -> float:
        return (self.ended if self.ended is not None else now) - self.started


@dataclass(slots=True)
class RunProgress:
    """The steps of a run so far, fed with KFP's output line by line; ``on_change`` is called when a step starts or ends."""

    clock: Callable[[], float] = time.monotonic
    on_change: Callable[[Step], None] = lambda _: None
    steps: list[Step] = field(default_factory=list)

    def feed(self, line: str) -> None:
        """Read one line of output; lines that say nothing of a step are passed over."""
        line = _COLOUR.sub("", line)
        if match := _STARTED.search(line):
            self._finish_others(match["task"])
            self.steps.append(Step(match["task"], self.clock()))
            self.on_change(self.steps[-1])
        elif match := _FINISHED.search(line):
            self._finish(match["task"], "done" if match["status"] == "SUCCESS" else "failed")
        elif (match := _STAGE_LOG.search(line)) and self.running():
            self.running()[-1].note = " ".join(match["message"].split())

    def running(self) -> list[Step]:
        return [step for step in self.steps if step.state == "running"]

    def failed(self) -> Step | None:
        """The step that failed, else the one that was running when the run ended, else nothing."""
        return next((step for step in self.steps if step.state == "failed"), next(iter(self.running()), None))

    def seconds_by_task(self) -> dict[str, float]:
        """Wall seconds of each task; tasks of one name, as in a loop, give the longest."""
        seconds: dict[str, float] = {}
        for step in self.steps:
            seconds[step.task] = max(seconds.get(step.task, 0.0), round(step.seconds(self.clock()), 3))
        return seconds

    def _finish_others(self, task: str) -> None:
        # KFP's local runner has several tasks at once in a loop only, all of one name, and then may lose a line that says
        # that one ended; nothing else starts before they have.
        for step in self.running():
            if step.task != task:
                self._finish(step.task, "done")

    def _finish(self, task: str, state: State) -> None:
        for step in self.running():
            if step.task == task:
                step.state, step.ended = state, self.clock()
                self.on_change(step)
                return


class LineSink:
    """A text stream that copies all it is given into a log file and feeds whole lines to a :class:`RunProgress`."""

    encoding = "utf-8"

    def __init__(self, log: TextIO, progress: RunProgress) -> None:
        self._log = log
        self._progress = progress
        self._rest = ""

    def write(self, text: str) -> int:
        self._log.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._progress.feed(line)
        return len(text)

    def flush(self) -> None:
        self._log.flush()

    def isatty(self) -> bool:
        return False


class ProgressDisplay:
    """Shows a run as a live table on a terminal, as plain lines elsewhere, and not at all when quiet."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.progress = RunProgress()
        self._console = console
        self._live: Live | None = None
        if not quiet and console.is_terminal:
            self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)
        elif not quiet:
            self.progress.on_change = self._print_line

    def __enter__(self) -> RunProgress:
        if self._live:
            self._live.start()
        return self.progress

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def _print_line(self, step: Step) -> None:
        seconds = f"{step.seconds(self.progress.clock()):7.1f} s" if step.state != "running" else " " * 9
        line = f"{step.task:<14} {step.state:<8} {seconds}  {step.note}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> RenderableType:
        table = Table("stage", "state", "elapsed", "result", box=None, pad_edge=False)
        table.columns[2].justify = "right"
        table.columns[3].overflow = "ellipsis"
        table.columns[3].no_wrap = True
        for step in self.progress.steps:
            mark: RenderableType = _MARKS.get(step.state) or Spinner("dots", text="running")
            table.add_row(step.task, mark, f"{step.seconds(self.progress.clock()):.1f} s", step.note)
        return table
