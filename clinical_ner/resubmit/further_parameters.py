"""Parameters of the training pipeline that a monitoring run sets for trainings: checked before anything is submitted."""

from collections.abc import Mapping
from pathlib import Path

from clinical_ner.errors import ConfigError

OWN = frozenset(
    {
        "corpus_uri",
        "corpus_format",
        "label_map",
        "test_corpus_uri",
        "reviewed_corpus_uri",
        "params_uri",
        "n_trials",
        "first_trial",
        "excluded_trials",
        "search_space",
        "tuning_seed",
        "model_name",
        "registry_uri",
        "seed",
        "dev_fraction",
        "test_fraction",
        "feature_groups",
        "max_iterations",
    }
)
"""What follows from the cause and the champion, whatever is given."""


def check_further_parameters(given: Mapping[str, object], package: Path) -> None:
    """Refuse parameters that resubmission sets itself, and those that the compiled pipeline does not have or cannot use.

    Without a compiled pipeline at ``package`` nothing is submitted from here, and the latter are not asked for.

    Raises:
        ConfigError: one is so; or holds a password, which would be stored and shown with every run.
    """
    if own := sorted(OWN & given.keys()):
        raise ConfigError(f"training_parameters: {', '.join(own)} follow from the cause and the champion: leave them out")
    if not package.is_file():
        return
    from clinical_ner.pipeline_runs.remote.checks import check_some  # brings KFP's client, seconds that most runs save
    from clinical_ner.pipeline_runs.remote.package import read_package

    try:
        check_some(read_package(package), given)
    except ConfigError as error:
        raise ConfigError(f"training_parameters: {error}") from error
