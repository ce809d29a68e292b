"""Hyperparameter search: workers that help, and the stage that completes the study and reports it."""

from collections.abc import Sequence
from typing import NamedTuple

import optuna
import orjson
import structlog

from clinical_ner.digests import digest_of
from clinical_ner.errors import ConfigError
from clinical_ner.features import FeatureSpec
from clinical_ner.reports.tuning import render_tuning
from clinical_ner.search_plan import SearchPlan
from clinical_ner.stages.artifacts import PathLike, read_bytes, read_gazetteer, read_sentences, write_text
from clinical_ner.storage.objects import read_object
from clinical_ner.training import CrfParameters
from clinical_ner.tuning import TuningData, best_parameters, finished_trials, open_study, run_trials, study_name

_log = structlog.get_logger()


class SearchData(NamedTuple):
    """The artifacts that a search reads."""

    train_path: PathLike
    dev_path: PathLike
    gazetteer_path: PathLike


class Search(NamedTuple):
    """What all workers of a study agree on; its name follows from it and from the data."""

    study_storage: str
    feature_groups: str
    n_trials: int
    max_iterations: int
    timeout_seconds: float
    seed: int
    model_name: str
    tuning_seed: int = -1
    """Draws the trials; negative: ``seed`` does."""
    first_trial: str = ""
    excluded_trials: str = ""
    search_space: str = "narrow"

    @property
    def plan(self) -> SearchPlan:
        """What is tried first, what never, and how far the search goes; ConfigError when a parameter says something else."""
        return SearchPlan.parse(
            first_trial=self.first_trial, excluded_trials=self.excluded_trials, search_space=self.search_space
        )

    def open(self, data: SearchData, *, worker: int = 0) -> optuna.Study:
        """The study of this search on these data: the same for every worker, and for a step that runs again."""
        data_digest = digest_of(b"".join(map(read_bytes, data)))
        seed = self.seed if self.tuning_seed < 0 else self.tuning_seed
        key = (data_digest, self.feature_groups, self.max_iterations, seed, self.plan.key)
        name = study_name(self.model_name, *map(str, key))
        return open_study(name, self.study_storage, seed=seed + worker, plan=self.plan)

    def run(self, study: optuna.Study, data: SearchData, *, count_running: bool = False) -> None:
        """Run trials until the study is complete (see :func:`clinical_ner.tuning.run_trials`)."""
        spec = FeatureSpec.parse(self.feature_groups)
        gazetteer = read_gazetteer(data.gazetteer_path)
        run_trials(
            study,
            TuningData(read_sentences(data.train_path), read_sentences(data.dev_path), spec, gazetteer),
            n_trials=self.n_trials,
            max_iterations=self.max_iterations,
            plan=self.plan,
            timeout_seconds=self.timeout_seconds,
            count_running=count_running,
            progress=_log.info,
        )


def tune_worker(
    *, worker: int, params_uri: str, train_path: PathLike, dev_path: PathLike, gazetteer_path: PathLike, search: Search
) -> int:
    """Help with a shared study until it is complete; without shared storage there is nothing to share, and nothing to do.

    Returns the number of finished trials that the study then has.
    """
    if not search.study_storage or params_uri:
        return 0
    data = SearchData(train_path, dev_path, gazetteer_path)
    study = search.open(data, worker=worker)
    search.run(study, data, count_running=True)
    return len(finished_trials(study))


def tune(
    *,
    params_uri: str,
    train_path: PathLike,
    dev_path: PathLike,
    gazetteer_path: PathLike,
    search: Search,
    worker_trials: Sequence[int],
    report_path: PathLike,
) -> str:
    """Bring the study to ``n_trials`` finished trials, write its report and return the best parameters as JSON.

    With ``params_uri`` nothing is searched: the recorded parameters are replayed. ``worker_trials`` is what
    :func:`tune_worker` returned, and is only shown.
    """
    if params_uri:
        study = optuna.create_study(study_name=f"{search.model_name}: replayed parameters")
        parameters = read_parameters(params_uri)
    else:
        data = SearchData(train_path, dev_path, gazetteer_path)
        study = search.open(data)
        _log.info("tuning", trials=search.n_trials, finished_by_workers=max(worker_trials, default=0))
        search.run(study, data)
        parameters = best_parameters(study, max_iterations=search.max_iterations)
    write_text(report_path, render_tuning(study))
    return parameters.model_dump_json()


def read_parameters(params_uri: str) -> CrfParameters:
    """CRF parameters from a JSON file: a bare object of them, or one that holds them under ``parameters`` (a manifest).

    Raises:
        ConfigError: the file holds no such object.
    """
    name = params_uri.rpartition("/")[2]
    try:
        fields = orjson.loads(read_object(params_uri))
        fields = fields.get("parameters", fields)
        return CrfParameters(**{field: fields[field] for field in CrfParameters.model_fields})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expected = ", ".join(CrfParameters.model_fields)
        raise ConfigError(f"params_uri: {name} is not a JSON object with {expected}") from error
