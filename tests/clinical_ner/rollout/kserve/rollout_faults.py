"""What may go wrong with a rollout in either mode of KServe; the same is asked of both."""

import os
import signal
from contextlib import suppress

import pytest

from clinical_ner.errors import TargetChanged, TargetUnreachable
from clinical_ner.rollout.plan import RolloutStep
from clinical_ner.rollout.status import Phase

HOLDING = Phase.HOLDING
LONG_HOLD = tuple(RolloutStep(percent=percent, hold_seconds=4, min_requests=100) for percent in (10, 100))


class RolloutFaults:
    """Tests over a ``stage``; no call fails that the fault itself does not make fail."""

    def test_api_server_that_stands_still_holds_everything(self, stage):
        """Nothing is known meanwhile and nothing moves; afterwards the rollout goes on."""
        stage.ask_for("v2").until_phase(HOLDING, 50)
        server = stage.harness.kubernetes._processes[-1].pid
        os.kill(server, signal.SIGSTOP)
        try:
            (stored,) = stage.runner.tick()
            (stored,) = stage.runner.tick()
        finally:
            os.kill(server, signal.SIGCONT)
        assert (stored.status.phase, stored.status.ended) == (HOLDING, False)
        assert "no answer" in " ".join(stored.status.problems)
        assert stage.run().phase is Phase.SUCCEEDED

    @pytest.mark.parametrize("code", [0, 403, 409, 429])
    def test_refused_requests_are_tried_again(self, stage, code):
        """All that the controller asks for a while, or (409) all that it writes: it says so, waits, and goes on."""
        stage.ask_for("v2").until_phase(HOLDING, 10)
        with stage.faulty.failing(code, lambda method, _path: code != 409 or method == "PATCH"):
            status = stage.until(lambda status: status.problems or status.ended)
            assert not status.ended, status.reason
        stage.until_phase(HOLDING, 50)

    def test_second_controller_changes_nothing_by_old_sight(self, stage):
        """Who looked before another one acted is refused, whatever it wants."""
        stage.ask_for("v2").until_phase(HOLDING, 10)
        other = stage.make_target()

        def look():
            with suppress(TargetUnreachable):  # whoever has just begun does not know the weights yet
                return other.observe()

        seen = stage.harness.wait(look, "nothing was seen")
        stage.until_phase(HOLDING, 50)
        before = stage.harness.service()["spec"]
        for late in (lambda: other.set_percent(100, seen), lambda: other.promote(seen), lambda: other.abort(seen)):
            with pytest.raises(TargetChanged, match="no longer as it was observed"):
                late()
        assert stage.harness.service()["spec"] == before

    def test_stable_that_restarts_begins_the_hold_again(self, stage):
        """Nobody is blamed, and the rollout goes on when it is back; calls fail only until then."""
        stage.ask_for("v2", steps=LONG_HOLD).until_phase(HOLDING, 10)
        stage.harness.target = stage.target
        stage.harness.crash("stable")
        status = stage.until(
            lambda status: "stable version restarted" in status.waits_for or status.percent == 100 or status.ended
        )
        assert (status.phase, status.percent) == (HOLDING, 10), status.reason
        ended = stage.run()
        assert ended.phase is Phase.SUCCEEDED, ended.reason
        stage.forget_failures()
