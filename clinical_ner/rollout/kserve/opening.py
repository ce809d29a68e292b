"""From an InferenceService to the target of the mode that it really has."""

from clinical_ner.errors import ClusterUnreachable, ConfigError, TargetUnreachable
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.discovery import Discovered, discover
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.obstacles import find_obstacles
from clinical_ner.rollout.kserve.standard import StandardTarget
from clinical_ner.rollout.targets import Target


def open_kserve_target(api: KubernetesApi, service: str, model: str, replicas: int | None = None) -> Target:
    """The target by which rollouts of ``service`` can be carried out with the rights of whoever asks.

    In Standard mode each version has ``replicas`` pods from the next rollout on; as many as the service has at least when None.

    Raises:
        ConfigError: they cannot, and none is under way; the message says why, and what to do.
        ClusterUnreachable: the API server does not answer, or does not let the asker read the InferenceService.
    """
    found = discover(api, service)
    target, obstacles = target_of(found, api, model, replicas), find_obstacles(found)
    # What stands in the way of a start must not stand in the way back from one that was made.
    if obstacles and (found.service is None or not _is_under_way(target)):
        raise ConfigError(f"InferenceService {api.namespace}/{service}: {'; '.join(obstacles)}")
    return target


def _is_under_way(target: Target) -> bool:
    """Whether a canary is there; whoever may not look sees none."""
    try:
        return target.observe().canary is not None
    except ClusterUnreachable:
        return False
    except TargetUnreachable:  # the share of one that is there is not known yet
        return True


def target_of(found: Discovered, api: KubernetesApi, model: str, replicas: int | None = None) -> Target:
    """By the mode alone."""
    if found.mode == "Knative":
        return KnativeTarget(api, found.name, model)
    return StandardTarget(api, found.name, model, replicas)
