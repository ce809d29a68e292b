"""From a decision to one training run, a proposal, or a refusal in words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from clinical_ner.clock import Clock, utc_now
from clinical_ner.errors import ConfigError
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.resubmit.backends import Backend
from clinical_ner.resubmit.cause import NEEDS_ANNOTATION, QUIET, ROLL_BACK, TrainingAction, check_action
from clinical_ner.resubmit.lock import LEASE_SECONDS, Lease, StoredLock
from clinical_ner.resubmit.outcome import Outcome
from clinical_ner.resubmit.plan import Plan, Request, keep_term_lists, make_plan, why_annotate
from clinical_ner.resubmit.policy import ResubmitRules, why_cooling_down, why_done, why_in_flight, why_too_little
from clinical_ner.resubmit.records import IN_FLIGHT, Record, State, Step
from clinical_ner.resubmit.runs import Runs
from clinical_ner.resubmit.store import TAKEN, Found, RecordStore
from clinical_ner.resubmit.training_set import build_training_set
from clinical_ner.storage import Storage, open_storage
from clinical_ner.version_states import State as VersionState

_NO_TASKS = "export tasks by `clinical-ner feedback export`"


@dataclass(slots=True)
class Resubmitter:
    """Resubmits the training of ``model_name``, which lies in ``registry_uri``, to ``backend``.

    ``export_tasks`` writes annotation tasks and says where; it is called when only new annotations can help. ``owner`` names
    this process in the lock and, when it acts by itself, in the records.
    """

    registry_uri: str
    model_name: str
    backend: Backend
    rules: ResubmitRules
    owner: str
    clock: Clock = utc_now
    lease_seconds: float = LEASE_SECONDS
    export_tasks: Callable[[], str] = lambda: _NO_TASKS
    _storage: Storage = field(init=False)
    _runs: Runs = field(init=False)
    _lock: StoredLock = field(init=False)

    def __post_init__(self) -> None:
        self._storage = open_storage(self.registry_uri)
        store = RecordStore(self._storage, self.model_name)
        registry = Registry(self._storage, self.clock)
        self._runs = Runs(store, registry, self.backend, self.rules, self.owner, self.clock)
        self._lock = StoredLock(self._storage, f"{store.folder}/lock.json", self.owner, self.clock, self.lease_seconds)

    def consider(self, request: Request) -> Outcome:
        """Do what the decision asks for, at most once for its cause; first see what became of the last run.

        Raises:
            ConfigError: the action is unknown.
            StorageError: the store failed; calling again goes on where this call stopped.
        """
        check_action(request.action)
        return self._locked(lambda lease: self._consider(request, lease))

    def approve(self, prefix: str, *, actor: str, reason: str) -> Outcome:
        """Submit what was proposed, or what failed, under an id that begins with ``prefix``; a person waits for no cool-down.

        Raises:
            NotFound: no resubmission, or more than one, has such an id.
            ConfigError: it succeeded already, or actor or reason is blank.
        """
        if not actor.strip() or not reason.strip():
            raise ConfigError("actor and reason must not be blank; they are kept with the resubmission")
        self._runs.store.find_by_prefix(prefix)
        return self._locked(lambda lease: self._approve(prefix, actor, reason, lease))

    def _locked(self, act: Callable[[Lease], Outcome]) -> Outcome:
        with self._lock.holding() as lease:
            if lease is None:
                return Outcome(status="refused", reason=f"another process is at it: {self._lock.describe()}")
            try:
                return act(lease)
            except TAKEN as error:
                return Outcome(status="refused", reason=f"another process was faster: {error}")

    def _consider(self, request: Request, lease: Lease) -> Outcome:
        last, alerts = self._runs.settle(lease)
        if again := self._try_again(last, lease):
            return again.alerting(*alerts)
        if request.action in QUIET:
            return Outcome(status="nothing", reason=f"the decision is {request.action}", alerts=alerts)
        if reason := why_in_flight(last):
            run = last.run if last else None
            return Outcome(status="refused", reason=reason, run=run, alerts=alerts)
        return self._answer(request, last, lease).alerting(*alerts)

    def _answer(self, request: Request, last: Record | None, lease: Lease) -> Outcome:
        champion = self._runs.registry.champion(self.model_name)
        if champion is None:
            return Outcome(status="refused", reason=f"{self.model_name} has no live version to train anew")
        if request.action == NEEDS_ANNOTATION:
            return self._need_annotation("the decision asks for annotations")
        if reason := self._why_not_back(request.action, champion):
            return Outcome(status="refused", reason=reason, alerts=(reason,))
        plan = self._plan(request, champion, request.action)  # type: ignore[arg-type]  # the others were answered above
        if reason := why_annotate(request, plan, self.rules):
            return self._need_annotation(reason)
        known = self._runs.store.find(plan.record.cause.id)
        for reason in (
            why_too_little(request.action, plan.training_set.changed, self.rules),
            why_done(known.record if known else None, self.rules),
            why_cooling_down(last, self.clock(), self.rules),
        ):
            if reason:
                return Outcome(status="refused", reason=reason, cause_id=plan.record.cause.id)
        return self._propose(plan, known) if self.rules.mode == "propose" else self._submit_new(plan, known, lease)

    def _try_again(self, last: Record | None, lease: Lease) -> Outcome | None:
        """After a roll back nothing asks for its training again: the version that drifted is gone. So this does."""
        if last is None or last.state is not State.FAILED or last.cause.action != ROLL_BACK or self.rules.mode != "auto":
            return None
        found = self._runs.store.find(last.cause.id)
        if found is None or why_done(last, self.rules) or why_cooling_down(last, self.clock(), self.rules):
            return None
        return self._runs.start(found, lease, actor=self.owner, reason=f"attempt {last.attempt + 1} after a failed training")

    def _why_not_back(self, action: str, champion: ModelVersion) -> str:
        if action != ROLL_BACK or self._runs.registry.states(self.model_name).previous:
            return ""
        return f"{champion.version} cannot be rolled back: no version was live before it; look at it, and promote another"

    def _need_annotation(self, reason: str) -> Outcome:
        alert = f"{self.model_name} needs annotated data: {reason}; {self.export_tasks()}"
        return Outcome(status="needs-annotation", reason=reason, alerts=(alert,))

    def _plan(self, request: Request, champion: ModelVersion, action: TrainingAction) -> Plan:
        return make_plan(
            request,
            action,
            build_training_set(self._storage, champion.manifest, request.corrections),
            champion,
            self._runs.registry.versions(self.model_name),
            self.rules,
            registry_uri=self.registry_uri,
            proposed=Step(state=State.PROPOSED, time=self.clock(), actor=self.owner, reason=request.reason),
        )

    def _create(self, plan: Plan) -> Found:
        """Keep the data first: a record without them could not be submitted."""
        plan.training_set.store(self._storage, self.clock)
        keep_term_lists(self._storage, self._runs.registry, plan.champion)
        return self._runs.store.create(plan.record)

    def _propose(self, plan: Plan, known: Found | None) -> Outcome:
        record = plan.record
        if known is None:
            self._create(plan)
        waiting = f"{record.cause.action} {record.cause.id[:12]} of {self.model_name} waits for a person"
        failed = " after a failed training" if known and known.record.state is State.FAILED else ""
        alert = f"{waiting}{failed}: clinical-ner resubmit approve {record.cause.id[:12]}"
        return Outcome(status="proposed", reason=record.steps[0].reason, cause_id=record.cause.id, alerts=(alert,))

    def _submit_new(self, plan: Plan, known: Found | None, lease: Lease) -> Outcome:
        return self._runs.start(known or self._create(plan), lease, actor=self.owner, reason=plan.record.steps[0].reason)

    def _approve(self, prefix: str, actor: str, reason: str, lease: Lease) -> Outcome:
        last, alerts = self._runs.settle(lease)
        found = self._runs.store.find_by_prefix(prefix)
        record = found.record
        if record.state in IN_FLIGHT:
            reason = why_in_flight(record)
            return Outcome(status="submitted", reason=reason, cause_id=record.cause.id, run=record.run, alerts=alerts)
        if record.state is State.SUCCEEDED:
            raise ConfigError(f"resubmission {record.cause.id[:12]} has succeeded already")
        if refusal := why_in_flight(last) or self._why_outdated(record):
            return Outcome(status="refused", reason=refusal, cause_id=record.cause.id, alerts=alerts)
        return self._runs.start(found, lease, actor=actor, reason=reason).alerting(*alerts)

    def _why_outdated(self, record: Record) -> str:
        champion = self._runs.registry.champion(self.model_name)
        if champion and champion.digest == record.cause.champion_digest:
            return ""
        withdrawn = self._runs.registry.states(self.model_name).of(record.champion_version) is VersionState.ROLLED_BACK
        if record.cause.action == ROLL_BACK and withdrawn:
            return ""  # by its first attempt, or by a rollout
        live = champion.version if champion else "no version"
        return f"it was made against {record.champion_version}, but {live} is live now; wait for the next decision"
