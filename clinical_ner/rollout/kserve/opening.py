"""From an InferenceService to the target of the mode that it really has."""

from clinical_ner.errors import ConfigError
from clinical_ner.kubernetes_api import KubernetesApi
from clinical_ner.rollout.kserve.discovery import Discovered, discover
from clinical_ner.rollout.kserve.knative import KnativeTarget
from clinical_ner.rollout.kserve.obstacles import find_obstacles
from clinical_ner.rollout.kserve.standard import StandardTarget
from clinical_ner.rollout.targets import Target


def open_kserve_target(api: KubernetesApi, service: str, model: str) -> Target:
    """The target by which rollouts of ``service`` can be carried out with the rights of whoever asks.

    Raises:
        ConfigError: they cannot; the message says why, and what to do.
        ClusterUnreachable: the API server does not answer, or does not let the asker read the InferenceService.
    """
    found = discover(api, service)
    obstacles = find_obstacles(found)
    if obstacles:
        raise ConfigError(f"InferenceService {api.namespace}/{service}: {'; '.join(obstacles)}")
    return target_of(found, api, model)


def target_of(found: Discovered, api: KubernetesApi, model: str) -> Target:
    """By the mode alone."""
    if found.mode == "Knative":
        return KnativeTarget(api, found.name, model)
    return StandardTarget(api, found.name, model)
