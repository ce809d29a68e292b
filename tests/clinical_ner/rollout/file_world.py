"""A service, its servers and its clock in one stored object, so that processes can die beside it."""

import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import orjson

from clinical_ner.errors import Conflict, TargetChanged
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.resubmit.lock import StoredLock
from clinical_ner.rollout import runner as runner_module
from clinical_ner.rollout.counting.counters import Counters
from clinical_ner.rollout.runner import Runner, run
from clinical_ner.rollout.status import Instant, Phase, RolloutSpec
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.rollout.targets import Backend, ModelReference, Observation
from clinical_ner.storage import Storage, open_storage
from tests.clinical_ner.rollout.simulated_service import SimulatedService
from tests.clinical_ner.rollout.stage import START, Stage
from tests.clinical_ner.rollout.traffic import Server

KEY = "world.json"
MODEL = "clinical-ner"
SERVICE = "ner"


def make_spec(version: ModelVersion, minutes: float = 0, **plan: object) -> RolloutSpec:
    """A rollout of the version, by the plan of the stage with these changes."""
    spec = Stage().set_out().spec
    changes = {"name": version.version, "version": version.version, "digest": version.digest, "uri": version.uri}
    created = START + timedelta(minutes=minutes)
    return spec.model_copy(update={**changes, "created": created, "plan": spec.plan.model_copy(update=plan)})


class FileWorld:
    """Target, metrics and clock; each observation lets five seconds pass and twenty users ask."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def create(self, stable: Backend, digests: dict[str, str]) -> None:
        servers = {version: asdict(Server(digest)) for version, digest in digests.items()}
        self.storage.create(KEY, _dump(SimulatedService(stable=stable), servers, 0.0))

    def service(self) -> SimulatedService:
        return self._load()[0]

    def observe(self) -> Observation:
        while True:
            service, servers, seconds, etag = self._load()
            service.settle()
            if service.carried < 100 and service.stable:
                servers[service.stable.version]["requests"] += 20
            if service.canary and service.carried:
                servers[service.canary.version]["requests"] += 20
            try:
                self.storage.replace(KEY, _dump(service, servers, seconds + 5), etag)
            except Conflict:
                continue
            return service.observe()

    def read(self, version: str) -> Counters:
        return Server(**self._load()[1][version]).counters()

    def now(self) -> Instant:
        seconds = self._load()[2]
        return Instant(time=START + timedelta(seconds=seconds), ticks=seconds, counter="world")

    def start(self, canary: ModelReference, seen: Observation) -> None:
        self._change(lambda service: service.start(canary, seen))

    def set_percent(self, percent: int, seen: Observation) -> None:
        self._change(lambda service: service.set_percent(percent, seen))

    def promote(self, seen: Observation) -> None:
        self._change(lambda service: service.promote(seen))

    def abort(self, seen: Observation) -> None:
        self._change(lambda service: service.abort(seen))

    def _change(self, change: Callable[[SimulatedService], None]) -> None:
        service, servers, seconds, etag = self._load()
        change(service)
        try:
            self.storage.replace(KEY, _dump(service, servers, seconds), etag)
        except Conflict as error:
            raise TargetChanged("the service is another by now") from error

    def _load(self) -> tuple[SimulatedService, dict, float, str]:
        data, etag = self.storage.read_versioned(KEY)
        world = orjson.loads(data)
        fields = world["service"]
        for role in ("stable", "canary"):
            fields[role] = Backend(**fields[role]) if fields[role] else None
        return SimulatedService(**{**fields, "drift": ()}), world["servers"], world["seconds"], etag


def _dump(service: SimulatedService, servers: dict, seconds: float) -> bytes:
    return orjson.dumps({"service": asdict(service), "servers": servers, "seconds": seconds})


Dies = Callable[[Phase, str], bool]
"""Asked before and after each write and each action, with the phase that is being written or acted in."""


def at_call(number: int) -> Dies:
    """Die at the ``number``-th such place."""
    left = [number]

    def dies(_phase: Phase, _place: str) -> bool:
        left[0] -= 1
        return left[0] == 0

    return dies


def at_place(phase: Phase, place: str, number: int = 1) -> Dies:
    """Die the ``number``-th time that this place is reached in this phase."""
    left = [number]

    def dies(present: Phase, here: str) -> bool:
        left[0] -= (present, here) == (phase, place)
        return left[0] == 0

    return dies


def advance_until_killed(root: str, owner: str, dies: Dies | None) -> None:
    """What a process of its own does: advance all rollouts until they have ended, or ``dies`` says so."""
    storage = open_storage(str(root))
    world, records = FileWorld(storage), StoredRollouts(storage, MODEL)
    if dies:
        make_deadly(records, dies)
    runner = Runner(records, world, world, Registry(storage), MODEL, timer=world.now)
    lock = StoredLock(storage, records.lock_key, owner, lease_seconds=0.2)
    run(runner, lock, sleep=lambda _seconds: None, interval_seconds=0.0)


def make_deadly(records: StoredRollouts, dies: Dies) -> None:
    present = [Phase.PENDING]

    def reach(place: str) -> None:
        if dies(present[0], place):
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(call, what):
        def called(*arguments, **options):
            if what == "write":
                present[0] = arguments[1].phase
            reach(f"before {what}")
            result = call(*arguments, **options)
            reach(f"after {what}")
            return result

        return called

    records.write_status = deadly(records.write_status, "write")
    runner_module.carry_out = deadly(runner_module.carry_out, "action")
    runner_module.tell = deadly(runner_module.tell, "action")
