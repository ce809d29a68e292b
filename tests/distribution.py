"""Which process runs which test: files that share something that takes long to start go to one, the longest first."""

import pytest
from xdist.scheduler import LoadFileScheduling

API_SERVERS = "started"
"""The fixture that starts them, once in each process that asks."""
_SHARED = {
    "cluster": ("tests/cluster/",),  # a node without room for two of them at once
    "API servers": (
        "tests/clinical_ner/cli/test_rollout_cluster.py",
        "tests/clinical_ner/cli/test_rollout_controller.py",
        "tests/clinical_ner/cli/test_rollout_doctor.py",
        "tests/clinical_ner/rollout/controller/",
        "tests/clinical_ner/rollout/custom_resources/",
        "tests/clinical_ner/rollout/kserve/",
        "tests/clinical_ner/stages/test_rollout_on_cluster.py",
        "tests/clinical_ner/test_kubernetes_api.py",
        "tests/doubles/",
        "tests/manifests/",
    ),
    "training": ("tests/images/test_training_image.py", "tests/pipelines/test_run.py"),
}


def share_of(nodeid: str) -> str:
    """What its file shares with others; the file itself when that is nothing."""
    return next((name for name, starts in _SHARED.items() if nodeid.startswith(starts)), nodeid.partition("::")[0])


class SharingScheduling(LoadFileScheduling):
    """One process for all tests of a share. Marks of ``xdist_group`` do not reach xdist 3.8 under pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharingScheduling:
    return SharingScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order them: shares as above, then files with slow tests. Raises UsageError for a file that ``_SHARED`` lacks."""
    for item in items:
        if API_SERVERS in getattr(item, "fixturenames", ()) and share_of(item.nodeid) != "API servers":
            raise pytest.UsageError(f"{item.nodeid} asks for API servers: name its file in tests/distribution.py")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    order = {name: number for number, name in enumerate(_SHARED)}
    items.sort(key=lambda item: (order.get(share_of(item.nodeid), len(order)), item.path not in slow))
