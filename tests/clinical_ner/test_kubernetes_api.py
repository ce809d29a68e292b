"""The Kubernetes API as this library asks it, against a real API server."""

from itertools import count

import pytest

from clinical_ner.errors import AlreadyExists, ClusterUnreachable, ConfigError, Conflict, NotFound, TargetUnreachable
from clinical_ner.kubernetes_api import KubernetesApi, Resource
from tests.servers.kubernetes import TOKEN, Kubernetes
from tests.servers.versitygw import free_port

MAPS = Resource("v1", "ConfigMap", "configmaps")
LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases")
UNKNOWN = Resource("example.org/v1", "Nothing", "nothings")
NAMESPACES = count()


@pytest.fixture
def api(newest: Kubernetes) -> KubernetesApi:
    """An empty namespace, as an administrator."""
    namespace = f"kubernetes-api-{next(NAMESPACES)}"
    newest.create_namespace(namespace)
    return KubernetesApi.connect(namespace, kubeconfig=str(newest.kubeconfig))


def config_map(data: dict[str, str], **metadata: str) -> dict:
    return {"metadata": {"name": "a", **metadata}, "data": data}


def test_object_that_was_made_is_found(api):
    """By name, and in the list with its labels, with its kind."""
    api.create(MAPS, {"metadata": {"name": "a", "labels": {"of": "one"}}, "data": {"x": "1"}})
    assert api.get(MAPS, "a")["data"] == {"x": "1"}
    (found,) = api.list(MAPS, {"of": "one"})
    assert (found["kind"], found["metadata"]["name"]) == ("ConfigMap", "a")
    assert api.list(MAPS, {"of": "two"}) == []


def test_second_creation_changes_nothing(api):
    """It is told apart from every other refusal."""
    api.create(MAPS, config_map({"x": "1"}))
    with pytest.raises(AlreadyExists):
        api.create(MAPS, config_map({"x": "2"}))
    assert api.get(MAPS, "a")["data"] == {"x": "1"}


def test_what_is_not_there_is_none(api):
    """Neither an object nor a kind that the cluster does not know is an error to look for; to list a kind is."""
    assert api.get(MAPS, "a") is None
    assert api.get(UNKNOWN, "a") is None
    with pytest.raises(NotFound):
        api.list(UNKNOWN)
    with pytest.raises(NotFound):
        api.replace(MAPS, config_map({"x": "1"}))
    api.delete(MAPS, "a")


def test_apply_owns_what_it_sends_and_gives_up_the_rest(api):
    """Fields of others stay; a field of its own that is left out is gone."""
    api.create(MAPS, config_map({"theirs": "1"}))
    api.apply(MAPS, config_map({"ours": "1", "also-ours": "1"}))
    after = api.apply(MAPS, config_map({"ours": "2"}))
    assert after["data"] == {"theirs": "1", "ours": "2"}


def test_old_reading_changes_nothing(api):
    """Whichever way it is written, another's write in between is a conflict."""
    old = api.create(MAPS, config_map({"x": "1"}))["metadata"]["resourceVersion"]
    api.apply(MAPS, config_map({"y": "1"}))
    with pytest.raises(Conflict):
        api.apply(MAPS, config_map({"y": "2"}, resourceVersion=old))
    with pytest.raises(Conflict):
        api.replace(MAPS, config_map({"x": "2"}, resourceVersion=old))
    with pytest.raises(Conflict):
        api.patch(MAPS, "a", [{"op": "test", "path": "/data/x", "value": "2"}, {"op": "remove", "path": "/data/x"}])
    assert api.get(MAPS, "a")["data"] == {"x": "1", "y": "1"}


def test_patch_whose_tests_hold_is_carried_out(api):
    """It changes what it names and nothing else."""
    api.create(MAPS, config_map({"x": "1", "y": "1"}))
    operations = [{"op": "test", "path": "/data/x", "value": "1"}, {"op": "replace", "path": "/data/x", "value": "2"}]
    assert api.patch(MAPS, "a", operations)["data"] == {"x": "2", "y": "1"}


def test_object_that_breaks_its_schema_is_a_wrong_setting(api):
    """The message is the API server's: it names the field."""
    with pytest.raises(ConfigError, match="leaseDurationSeconds"):
        api.create(LEASES, {"metadata": {"name": "a"}, "spec": {"leaseDurationSeconds": -1}})
    with pytest.raises(ConfigError, match="unheard"):
        api.apply(MAPS, {**config_map({}), "unheard": 1})


def test_who_may_not_ask_is_told(newest, api, tmp_path):
    """A missing right is neither an empty list nor a missing object; the message names the verb and the kind."""
    newest.kubectl("-n", api.namespace, "create", "serviceaccount", "nobody")
    token = newest.kubectl("-n", api.namespace, "create", "token", "nobody").strip()
    config = tmp_path / "kubeconfig"
    config.write_text(newest.kubeconfig.read_text().replace(TOKEN, token))
    nobody = KubernetesApi.connect(api.namespace, kubeconfig=str(config))
    with pytest.raises(ClusterUnreachable, match=r"403.*cannot list resource .configmaps"):
        nobody.list(MAPS)
    assert not nobody.may("list", MAPS)


def test_rights_are_known_before_they_are_used(api):
    """An administrator has them all."""
    assert api.may("patch", MAPS, name="a")


def test_user_is_who_the_api_server_says(newest, api):
    """The name that its rules and admission see."""
    assert api.user() == "admin"


def test_server_that_is_away_is_unreachable(tmp_path):
    """At once and without a word of the machine's, for a target and for a store alike."""
    config = tmp_path / "kubeconfig"
    config.write_text(
        "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
        f"users: [{{name: a, user: {{}}}}], clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{free_port()}'}}}}]}}"
    )
    api = KubernetesApi.connect("a", kubeconfig=str(config))
    with pytest.raises(TargetUnreachable, match="no answer"):
        api.list(MAPS)


def test_no_cluster_at_all_is_a_wrong_setting(tmp_path):
    """The message says what would name one."""
    with pytest.raises(ConfigError, match="kubeconfig"):
        KubernetesApi.connect("a", kubeconfig=str(tmp_path / "none"))
