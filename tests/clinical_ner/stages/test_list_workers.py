import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.stages.list_workers import list_workers


def test_list_workers_numbers_them_from_zero():
    """As many numbers as workers, the first 0."""
    assert list_workers(1) == [0]
    assert list_workers(4) == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [0, -1])
def test_list_workers_needs_one(workers):
    """No worker is a mistake in the parameter of that name."""
    with pytest.raises(ConfigError, match=f"tuning_workers = {workers}: at least 1"):
        list_workers(workers)
