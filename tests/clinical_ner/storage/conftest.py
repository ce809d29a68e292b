import pytest


@pytest.fixture(params=["file"])
def storage_uri(request, tmp_path):
    """An empty store of each backend."""
    return {"file": (tmp_path / "store").as_uri()}[request.param]
