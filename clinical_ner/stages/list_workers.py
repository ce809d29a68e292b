"""What a ``ParallelFor`` over tuning workers loops over; apart from tuning, whose imports take seconds."""

from clinical_ner.errors import ConfigError


def list_workers(tuning_workers: int) -> list[int]:
    """The workers' numbers: 0 to ``tuning_workers`` - 1.

    Raises:
        ConfigError: fewer than one.
    """
    if tuning_workers < 1:
        raise ConfigError(f"tuning_workers = {tuning_workers}: at least 1")
    return list(range(tuning_workers))
