"""Progress of a local run, read from what KFP prints."""

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from clinical_ner.pipeline_runs.progress import LineSink, ProgressDisplay, RunProgress

BLUE, GREEN, RED, RESET = "\x1b[96m", "\x1b[92m", "\x1b[91m", "\x1b[0m"
# Lines of kfp 2.17's local runner, with its colours.
RUN = f"""\
23:28:01.400 - INFO - Running pipeline: \x1b[95m'clinical-ner-training'{RESET}
--------------------------------------------------------------------------------
23:28:01.456 - INFO - Executing task {BLUE}'ingest'{RESET}
23:28:01.457 - INFO - Streamed logs:

    [KFP Executor 2026-11-20 23:28:01,456 INFO]: Wrote executor output file to artifacts/ingest/executor_output.json.
    2026-11-20 23:28:01 [info     ] ingested                       bad_records=0 documents=600
23:28:03.482 - INFO - Task {BLUE}'ingest'{RESET} finished with status {GREEN}SUCCESS{RESET}
23:28:03.483 - INFO - Task {BLUE}'ingest'{RESET} outputs:
    dataset_digest: 'sha256:db8c'
--------------------------------------------------------------------------------
23:28:03.490 - INFO - Executing task {BLUE}'quality-gate'{RESET}
    2026-11-20 23:28:04 [warning  ] \x1b[1mslow\x1b[0m   ratio=1.7
23:28:05.000 - INFO - Task {BLUE}'quality-gate'{RESET} finished with status {GREEN}SUCCESS{RESET}
"""

RUN_LINES = tuple(RUN.splitlines())


def executing(task):
    return f"23:28:01.456 - INFO - Executing task {BLUE}'{task}'{RESET}"


def finished(task, status="SUCCESS"):
    return f"23:28:03.482 - INFO - Task {BLUE}'{task}'{RESET} finished with status {RED}{status}{RESET}"


def logged(message):
    return f"    2026-11-20 23:28:01 [info     ] {message}"


def follow(*lines):
    """What is known after these lines; each takes a second."""
    seconds = itertools.count()
    changes = []
    progress = RunProgress(clock=lambda: now[0], on_change=lambda step: changes.append((step.task, step.state)))
    now = [0.0]
    for line in lines:
        now[0] = float(next(seconds))
        progress.feed(line)
    return progress, changes


def states(progress):
    return [(step.task, step.state) for step in progress.steps]


def test_progress_follows_kfps_output():
    """Each task is a step with its times and the last thing its stage logged; other lines are passed over."""
    progress, changes = follow(*RUN_LINES)
    assert states(progress) == [("ingest", "done"), ("quality-gate", "done")]
    assert [step.note for step in progress.steps] == ["ingested bad_records=0 documents=600", "slow ratio=1.7"]
    assert progress.seconds_by_task() == {"ingest": 5.0, "quality-gate": 2.0}
    assert progress.failed() is None
    assert changes == [(task, state) for task in ("ingest", "quality-gate") for state in ("running", "done")]


def test_progress_knows_the_step_that_failed():
    """A failed step is the one to name, whatever ran after it."""
    progress, _ = follow(executing("train"), finished("train", "FAILURE"), executing("tune-worker"))
    assert states(progress) == [("train", "failed"), ("tune-worker", "running")]
    assert progress.failed().task == "train"


def test_progress_names_the_step_that_was_running_when_the_run_broke():
    """KFP may stop without a word about the step: then it is the one that had not ended."""
    progress, _ = follow(executing("ingest"), finished("ingest"), executing("train"))
    assert progress.failed().task == "train"
    assert follow()[0].failed() is None


def test_progress_of_a_loop():
    """Iterations run side by side under one name: each end ends one of them, and the longest counts."""
    progress, _ = follow(
        executing("tune-worker"),
        executing("tune-worker"),
        finished("tune-worker"),
        logged("trial 1/2"),
        finished("tune-worker"),
    )
    assert states(progress) == [("tune-worker", "done")] * 2
    assert [step.note for step in progress.steps] == ["", "trial 1/2"]
    assert progress.seconds_by_task() == {"tune-worker": 3.0}


def test_progress_of_a_loop_whose_end_was_lost():
    """With two iterations at once KFP loses lines: when another task starts both have ended."""
    lines = (executing("tune-worker"), executing("tune-worker"), finished("tune-worker"), executing("tune"))
    progress, changes = follow(*lines)
    assert states(progress) == [("tune-worker", "done"), ("tune-worker", "done"), ("tune", "running")]
    assert changes[-2:] == [("tune-worker", "done"), ("tune", "running")]
    assert progress.seconds_by_task()["tune-worker"] == 2.0


def test_progress_passes_over_an_end_without_a_start():
    """A line about a task that never started changes nothing, and a log line before the first step is nobody's."""
    progress, changes = follow(finished("train"), logged("hello"))
    assert states(progress) == changes == []


def test_seconds_of_a_running_step_grow():
    """A step that has not ended lasts until now."""
    progress, _ = follow(executing("train"), "", "", "")
    assert progress.seconds_by_task() == {"train": 3.0}


@given(st.lists(st.integers(1, 400), max_size=30))
def test_line_sink_splits_lines_wherever_they_are_cut(sizes):
    """However the text arrives, the log holds all of it and progress sees the same whole lines."""
    log, progress, rest = io.StringIO(), RunProgress(), RUN
    sink = LineSink(log, progress)
    for size in sizes:
        assert sink.write(rest[:size]) == len(rest[:size])
        rest = rest[size:]
    sink.write(rest)
    assert log.getvalue() == RUN
    assert states(progress) == [("ingest", "done"), ("quality-gate", "done")]
    assert progress.steps[0].note == "ingested bad_records=0 documents=600"


def test_line_sink_is_no_terminal(tmp_path):
    """It can be printed to and flushed; what was flushed is in the file."""
    with (tmp_path / "run.log").open("w") as log:
        sink = LineSink(log, RunProgress())
        print("a", "b", file=sink, flush=True)
        assert (tmp_path / "run.log").read_text() == "a b\n"
        assert not sink.isatty()


def show(*, terminal, quiet=False, lines=RUN_LINES):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=60, color_system=None)
    with ProgressDisplay(console, quiet=quiet) as progress:
        for line in lines:
            progress.feed(line)
    return out.getvalue()


def test_display_prints_plain_lines_where_there_is_no_terminal():
    """A line when a step starts and one when it ends, without control characters or trailing colour."""
    lines = show(terminal=False).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ingest", "running"],
        ["ingest", "done"],
        ["quality-gate", "running"],
        ["quality-gate", "done"],
    ]
    assert lines[1].endswith("s  ingested bad_records=0 documents=600")
    assert "\x1b" not in "".join(lines)


def test_display_prints_what_looks_like_markup_as_it_is():
    """A stage's message in brackets is shown, not interpreted."""
    shown = show(terminal=False, lines=(executing("train"), logged("[bold]loss[/bold]"), finished("train")))
    assert "[bold]loss[/bold]" in shown


def test_display_is_a_table_on_a_terminal():
    """A live table with a row a step, its result cut to the width."""
    shown = show(terminal=True, lines=(*RUN_LINES, executing("train"), finished("train", "FAILURE")))
    last = shown.rpartition("stage ")[2]
    rows = {line.split()[0]: line.split()[1] for line in last.splitlines() if line.strip() and "s " in line}
    assert rows["ingest"] == "done"
    assert rows["train"] == "FAILED"
    assert all(len(line) <= 60 for line in last.splitlines())


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_display_prints_nothing(terminal):
    """Neither table nor lines; the steps are known all the same."""
    assert show(terminal=terminal, quiet=True) == ""
