"""A gateway of a kind: callers that choose a backend by the weights of the HTTPRoute, as they are now."""

import random
import threading
from functools import partial

from clinical_ner.errors import ClinicalNerError
from clinical_ner.kubernetes_api import KubernetesApi
from tests.cluster.load import ALWAYS, Way
from tests.doubles.kserve.objects import ROUTES, SERVICES
from tests.serving.transports import Outcome, Request, RestJson

REFRESH_SECONDS = 0.2
PAUSE_SECONDS = 0.02


class Backend:
    """A Service by its address."""

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"


class Router:
    """Knows the route's weights, and the address of each Service, as they were a moment ago; a context."""

    def __init__(self, api: KubernetesApi, service: str) -> None:
        self._api, self._service = api, service
        self.weights: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._refresh()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def ways(self, number: int) -> list[Way]:
        return [("route", partial(Routed, self, seed), ALWAYS) for seed in range(number)]

    def choose(self, chance: random.Random) -> str:
        """The address of a backend."""
        weights = {name: weight for name, weight in self.weights.items() if weight}
        assert weights, "no backend of the route has a weight"
        return self._addresses[chance.choices(list(weights), list(weights.values()))[0]]

    def _run(self) -> None:
        while not self._stopped.wait(REFRESH_SECONDS):
            try:
                self._refresh()
            except ClinicalNerError:
                continue

    def _refresh(self) -> None:
        route = self._api.get(ROUTES, self._service)
        assert route is not None
        self._addresses |= {each["metadata"]["name"]: each["spec"]["clusterIP"] for each in self._api.list(SERVICES)}
        self.weights = {each["name"]: each["weight"] for each in route["spec"]["rules"][0]["backendRefs"]}


class Routed:
    """One caller: a connection to each backend that it has met, and a short pause between calls."""

    def __init__(self, router: Router, seed: int) -> None:
        self._router, self._chance = router, random.Random(seed)
        self._connections: dict[str, RestJson] = {}
        self._pause = threading.Event()

    def infer(self, request: Request) -> Outcome:
        self._pause.wait(PAUSE_SECONDS)
        address = self._router.choose(self._chance)
        if address not in self._connections:
            self._connections[address] = RestJson(Backend(address))
        return self._connections[address].infer(request)
