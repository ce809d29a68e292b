"""From the address of a service to where its rollouts are written down."""

from clinical_ner.rollout.addresses import KServeAddress, parse_address
from clinical_ner.rollout.rollouts import Rollouts
from clinical_ner.rollout.store import StoredRollouts
from clinical_ner.storage import Storage


def open_records(target: str, storage: Storage, model: str) -> Rollouts:
    """The rollouts of the service at ``target``: of a local one in the registry's ``storage``, of KServe's in its cluster.

    A cluster is asked as the pod's own account, or as ``KUBECONFIG`` says; nothing is asked yet.

    Raises:
        ConfigError: the address is no service's, the model's name is unfit, or there is no cluster to ask.
    """
    address = parse_address(target)
    if not isinstance(address, KServeAddress):
        return StoredRollouts(storage, model)
    # The client is an extra of its own, and takes a while to import.
    from clinical_ner.kubernetes_api import KubernetesApi
    from clinical_ner.rollout.custom_resources.records import ClusterRollouts

    return ClusterRollouts(KubernetesApi.connect(address.namespace), address.service, model)
