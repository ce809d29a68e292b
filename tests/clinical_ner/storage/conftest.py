import pytest


@pytest.fixture(params=["file", "s3"])
def storage_uri(request, tmp_path):
    """An empty store of each backend."""
    return request.getfixturevalue("s3_uri") if request.param == "s3" else (tmp_path / "store").as_uri()
