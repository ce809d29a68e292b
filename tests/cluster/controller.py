"""The rollout controller as a Deployment under the account that the manifests give it."""

import time
from copy import deepcopy

from clinical_ner.rollout.custom_resources.records import ClusterRollouts
from clinical_ner.rollout.records import Stored
from clinical_ner.rollout.status import ENDS, Phase
from tests.cluster.installation import WAIT_SECONDS, Installation
from tests.manifests.built import Object, of_kind

NAME = "clinical-ner-rollout-controller"
LABELS = {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "rollout-controller"}


def deployment(installation: Installation) -> Object:
    """The manifests' own, with shorter pauses: a look a second."""
    made = deepcopy(next(each for each in of_kind(installation.objects, "Deployment") if each["metadata"]["name"] == NAME))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    container["args"] = [*container["args"], "--interval=1"]
    return made


class Disturbed:
    """Rollouts whose controller's pod is deleted, at work, once in every phase that they go through.

    Every deletion, even a forced one, is SIGTERM first; tests/clinical_ner/rollout has controllers that get SIGKILL.
    """

    def __init__(self, installation: Installation, rollouts: ClusterRollouts) -> None:
        self._installation, self.rollouts = installation, rollouts
        self.deleted: list[Phase] = []

    def pods(self) -> list[str]:
        """Those that were not deleted."""
        selector = ",".join(f"{name}={value}" for name, value in LABELS.items())
        found = self._installation.get("pods", "-l", selector)["items"]
        return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]

    def follow(self, name: str, until: set[Phase]) -> Stored:
        """Look at the rollout without a pause, and delete, until it has come to one of these phases, or to its end."""
        deadline = time.monotonic() + 2 * WAIT_SECONDS
        while (phase := (stored := self.rollouts.read(name)).status.phase) not in ENDS:
            assert time.monotonic() < deadline, f"{stored.status}\n{self._installation.describe()}"
            if phase not in self.deleted:
                self.deleted.append(phase)
                self._delete()
            if phase in until:
                break
            time.sleep(0.05)
        return stored

    def _leads(self) -> bool:
        """Whether a pod that was not deleted holds the Lease, by its name."""
        holders = [each["spec"].get("holderIdentity") or "" for each in self._installation.get("leases")["items"]]
        return any(holder.startswith(f"{pod}_") for pod in self.pods() for holder in holders)

    def _delete(self) -> None:
        self._installation.wait(self._leads, "a controller that leads")
        old = self.pods()
        self._installation.kubectl("delete", "pod", "--wait=false", *old)
        self._installation.wait(self.pods, "another controller's pod")
