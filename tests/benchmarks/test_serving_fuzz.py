"""The benchmark of hostile requests judges liveness, too."""

import threading

import httpx
import pytest

from benchmarks.serving_fuzz import Outcomes, ask_liveness, report


class Probed:
    """Stands for a server whose liveness answers so, and at the last time ends the benchmark."""

    def __init__(self, *answers):
        self._answers, self.done = list(answers), threading.Event()

    def get(self, path):
        answer = self._answers.pop(0)
        if not self._answers:
            self.done.set()
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, request=httpx.Request("GET", f"http://server{path}"))


@pytest.mark.parametrize(
    ("answers", "counted", "dead"),
    [
        ((200, 200), 2, 0),
        ((200, 503, 200), 2, 1),
        ((httpx.ReadTimeout("late"), 200), 1, 1),
        ((httpx.ConnectError("gone"),), 0, 1),
    ],
)
def test_liveness_that_is_not_answered_is_told_and_asked_again(answers, counted, dead, capsys):
    """Who asks survives it, and the benchmark does not pass."""
    outcomes, server = Outcomes(), Probed(*answers)
    ask_liveness(server, server.done, outcomes)
    assert (len(outcomes.liveness_seconds), len(outcomes.dead)) == (counted, dead)
    outcomes.liveness_seconds = [0.001] * counted
    assert outcomes.alive is (dead == 0)
    report(10, outcomes, [])
    assert f"answered {counted} times" in capsys.readouterr().out


def test_liveness_that_is_late_once_does_not_pass():
    """The longest counts, not the median."""
    outcomes = Outcomes()
    assert not outcomes.alive
    outcomes.liveness_seconds = [0.001] * 9 + [0.2]
    assert not outcomes.alive
