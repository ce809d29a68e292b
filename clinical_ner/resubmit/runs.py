"""Starting the run of a record, and seeing what became of it; all of it under the model's lock."""

from dataclasses import dataclass

from clinical_ner.clock import Clock
from clinical_ner.errors import ConfigError, PipelineRunError, RegistryError
from clinical_ner.registry import Registry
from clinical_ner.resubmit.backends import Backend, RunState
from clinical_ner.resubmit.cause import EXPERIMENT, ROLL_BACK
from clinical_ner.resubmit.lock import Lease
from clinical_ner.resubmit.outcome import Outcome
from clinical_ner.resubmit.policy import ResubmitRules, is_overdue
from clinical_ner.resubmit.records import LastRun, Record, State, Step
from clinical_ner.resubmit.store import Found, RecordStore

_ENDS = {
    RunState.SUCCEEDED: (State.SUCCEEDED, "the run succeeded"),
    RunState.FAILED: (State.FAILED, "the run failed"),
    RunState.MISSING: (State.FAILED, "the backend has the run no longer"),
}


@dataclass(frozen=True, slots=True)
class Runs:
    """Records, and the backend that runs them."""

    store: RecordStore
    registry: Registry
    backend: Backend
    rules: ResubmitRules
    owner: str
    clock: Clock

    def settle(self, lease: Lease) -> tuple[Record | None, tuple[str, ...]]:
        """The record that was submitted last as it is now, and what a person should know of it.

        A submission that was cut short is gone on with. None when nothing was submitted yet.
        """
        found = self._last()
        if found is None:
            return None, ()
        if found.record.state is State.SUBMITTING:
            outcome = self._submit(found, lease)
            found = self._last() or found
            return found.record, outcome.alerts
        try:
            record = self._observe(found, lease)
        except PipelineRunError as error:
            alert = f"what became of run {found.record.cause.id[:12]} is not known: {error}"
            return self._unknown(found, lease), (alert,)
        return record, self._failure(record)

    def _unknown(self, found: Found, lease: Lease) -> Record:
        """The record of a run that nobody can tell of: in flight as long as a run may take, then failed until it is seen."""
        record = found.record
        if record.state is not State.SUBMITTED or not is_overdue(record, self.clock(), self.rules):
            return record
        reason = f"not seen to end within max_run_hours = {self.rules.max_run_hours:g}"
        return self._move(found, State.FAILED, reason, lease).record

    def start(self, found: Found, lease: Lease, *, actor: str, reason: str) -> Outcome:
        """Submit a record that is proposed or failed.

        Which record it will be is written first: whoever comes after a kill finds it from there, and nothing was submitted
        as long as the record itself is not ``submitting``.
        """
        attempt = found.record.attempt + (found.record.state is State.FAILED)
        step = Step(state=State.SUBMITTING, time=self.clock(), actor=actor, reason=reason)
        record = found.record.moved(step, attempt=attempt, run=None, fence=lease.token)
        self._point_at(record)
        return self._submit(self.store.replace(found, record), lease)

    def _last(self) -> Found | None:
        last = self.store.last_run()
        found = self.store.find(last.cause) if last else None
        return found if found and found.record.state is not State.PROPOSED else None

    def _point_at(self, record: Record) -> None:
        self.store.write_last_run(LastRun(cause=record.cause.id, attempt=record.attempt, time=record.time, state=record.state))

    def _submit(self, found: Found, lease: Lease) -> Outcome:
        """Submit under the record's key; a submission in doubt stays ``submitting``, and the next call asks again."""
        record = found.record
        if reason := self._why_waiting(record):
            return self._wait(found, reason, lease)
        try:
            self._withdraw(record)
            lease.renew()  # the fence: whoever lost the lock posts nothing
            run = self.backend.submit(record.key, record.parameters)
        except PipelineRunError as error:
            return self._doubt(found, error, lease)
        except (ConfigError, RegistryError) as error:
            return self._give_up(found, f"cannot be submitted: {error}", lease)
        self._move(found, State.SUBMITTED, f"run {run.run_id}", lease, run=run)
        reason = record.steps[-1].reason
        return Outcome(status="submitted", reason=reason, cause_id=record.cause.id, run=run, alerts=_news(record))

    def _withdraw(self, record: Record) -> None:
        """Make the version before live again when that is the action; repeating it changes nothing.

        Where a rollout moves the traffic, it moves the live pointer too, and has done so by now.
        """
        if record.cause.action == ROLL_BACK and not _rolled_out(record):
            reason = f"resubmission {record.cause.id[:12]}: {record.steps[-1].reason}"
            self.registry.roll_back(
                record.cause.model_name, record.champion_version, actor=record.steps[-1].actor, reason=reason
            )

    def _why_waiting(self, record: Record) -> str:
        """Why a training after a roll back cannot begin: it is to be judged against the version that is live again by then."""
        name, worse = record.cause.model_name, record.champion_version
        if record.cause.action != ROLL_BACK or not _rolled_out(record) or self.registry.states(name).live != worse:
            return ""
        return f"{worse} is still live; the training begins when a rollout has brought the version before it back"

    def _wait(self, found: Found, reason: str, lease: Lease) -> Outcome:
        """Leave it ``submitting``: the next call asks again."""
        if is_overdue(found.record, self.clock(), self.rules):
            return self._give_up(found, f"not begun within max_run_hours: {reason}", lease)
        alert = f"{ROLL_BACK} {found.record.cause.id[:12]} of {found.record.cause.model_name}: {reason}"
        return Outcome(status="submitting", reason=reason, cause_id=found.record.cause.id, alerts=(alert,))

    def _doubt(self, found: Found, error: PipelineRunError, lease: Lease) -> Outcome:
        record = found.record
        if is_overdue(record, self.clock(), self.rules):
            return self._give_up(found, f"could not be submitted within max_run_hours: {error}", lease)
        alert = f"submission of {record.cause.action} {record.cause.id[:12]} is in doubt and will be gone on with: {error}"
        return Outcome(status="submitting", reason=str(error), cause_id=record.cause.id, alerts=(alert,))

    def _give_up(self, found: Found, reason: str, lease: Lease) -> Outcome:
        failed = self._move(found, State.FAILED, reason, lease).record
        return Outcome(status="refused", reason=reason, cause_id=failed.cause.id, alerts=self._failure(failed))

    def _observe(self, found: Found, lease: Lease) -> Record:
        """The record after a look at its run, also a failed one, which may have been retried at the backend."""
        record = found.record
        if record.run is None or record.state is State.SUCCEEDED:
            return record
        seen = self.backend.state(record.run)
        if seen is RunState.RUNNING:
            if not is_overdue(record, self.clock(), self.rules):
                return record if record.state is State.SUBMITTED else self._retried(found, lease)
            state, reason = State.FAILED, f"not ended within max_run_hours = {self.rules.max_run_hours:g}; stop it"
        else:
            state, reason = _ENDS[seen]
        if state is record.state:
            return record
        produced = self._produced(record) if state is State.SUCCEEDED else ""
        return self._move(found, state, reason, lease, produced=produced).record

    def _retried(self, found: Found, lease: Lease) -> Record:
        return self._move(found, State.SUBMITTED, "runs again, retried at the backend", lease).record

    def _produced(self, record: Record) -> str:
        """The newest version that was trained on the record's dataset."""
        versions = self.registry.versions(record.cause.model_name)
        trained = [each for each in versions if each.manifest.datasets.get("train") == record.cause.dataset_digest]
        return trained[-1].version if trained and trained[-1].version != record.champion_version else ""

    def _move(self, found: Found, state: State, reason: str, lease: Lease, **changes: object) -> Found:
        step = Step(state=state, time=self.clock(), actor=self.owner, reason=reason)
        moved = self.store.replace(found, found.record.moved(step, fence=lease.token, **changes))
        self._point_at(moved.record)
        return moved

    def _failure(self, record: Record) -> tuple[str, ...]:
        """What to tell a person of a run that brought nothing; repeated until another run is submitted."""
        name, what = record.cause.model_name, f"{record.cause.action} {record.cause.id[:12]}"
        where = f" ({record.run.link})" if record.run else ""
        if record.state is State.FAILED:
            reason = record.steps[-1].reason
            return (f"training {what} of {name} failed, attempt {record.attempt}: {reason}{where}; the live version stays",)
        if record.state is State.SUCCEEDED and not record.produced:
            return (f"training {what} of {name} registered no version: read its gate report{where}; the live version stays",)
        return ()


def _rolled_out(record: Record) -> bool:
    """Whether rollouts move the traffic of the model's service, and the live pointer with it."""
    return bool(record.parameters.get("rollout_target"))


def _news(record: Record) -> tuple[str, ...]:
    """What a person should know of a submission that went well."""
    what = f"{record.cause.action} {record.cause.id[:12]} of {record.cause.model_name}"
    if record.cause.action == EXPERIMENT:
        return (f"{what} was submitted, the drift is large: {record.steps[-1].reason} Its model will wait for approval",)
    if record.cause.action == ROLL_BACK:
        return (f"{what}: {record.champion_version} was rolled back, a training with other parameters was submitted",)
    return ()
