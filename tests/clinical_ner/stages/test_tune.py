"""The tune stage and its workers: a search that can be shared, repeated and replayed."""

import json

import optuna
import pytest

from clinical_ner.errors import ConfigError, NotFound, TooLittleData
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.model_package import MANIFEST
from clinical_ner.stages.artifacts import read_model, write_gazetteer, write_sentences
from clinical_ner.stages.tune import Search, SearchData, read_parameters, tune, tune_worker
from clinical_ner.training import CrfParameters
from clinical_ner.tuning import open_study_storage

RECORDED = {"c1": 0.25, "c2": 0.5, "min_freq": 2, "max_iterations": 40, "entity_bias": 0.75}


@pytest.fixture
def parts(finished):
    return {
        "train_path": finished.folder / "train",
        "dev_path": finished.folder / "dev",
        "gazetteer_path": finished.folder / "gazetteer",
    }


@pytest.fixture
def run_tune(parts, tmp_path):
    """Tune with a search of two trials of few iterations, unless told otherwise; returns the best parameters."""

    def run(*, params_uri="", worker_trials=(), report="tuning_report", **changed):
        paths = {"report_path": tmp_path / report, **parts}
        return tune(params_uri=params_uri, search=search(**changed), worker_trials=worker_trials, **paths)

    return run


def search(**changed):
    chosen = {"study_storage": "", "feature_groups": "word,shape", "n_trials": 2, "max_iterations": 5}
    return Search(**{**chosen, "timeout_seconds": 0, "seed": 0, "model_name": "clinical-ner", **changed})


def trials_in(storage):
    store = open_study_storage(storage)
    (study,) = store.get_all_studies()
    return optuna.load_study(study_name=study.study_name, storage=store).trials


def test_tune_returns_the_same_parameters_twice(run_tune, tmp_path):
    """One worker without time limit draws the same trials, as JSON that the train stage takes; a report is written."""
    first = run_tune(n_trials=3)
    assert first == run_tune(n_trials=3)
    assert CrfParameters.model_validate_json(first).max_iterations == 5
    assert "<html" in (tmp_path / "tuning_report").read_text().lower()


def test_tune_replays_a_manifest(finished, run_tune, tmp_path):
    """params_uri may be a model's manifest: its CRF parameters come back, its iterations included, and nothing is searched."""
    manifest = json.loads(read_model(finished.folder / "model")[MANIFEST])
    manifest["parameters"] |= RECORDED
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert json.loads(run_tune(params_uri=(tmp_path / "manifest.json").as_uri())) == RECORDED
    assert (tmp_path / "tuning_report").stat().st_size > 0


@pytest.mark.parametrize("as_uri", [True, False])
def test_tune_replays_bare_parameters(run_tune, tmp_path, as_uri):
    """params_uri may be a file of nothing but the parameters, as a URI or a path."""
    path = tmp_path / "best.json"
    path.write_text(json.dumps(RECORDED))
    assert json.loads(run_tune(params_uri=path.as_uri() if as_uri else str(path))) == RECORDED


def test_replayed_parameters_are_read_beside_the_working_directory(tmp_path, monkeypatch):
    """A bare file name is a file here."""
    (tmp_path / "best.json").write_text(json.dumps(RECORDED))
    monkeypatch.chdir(tmp_path)
    assert read_parameters("best.json") == CrfParameters(**RECORDED)


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[1, 2]",
        "3",
        "{}",
        json.dumps({"parameters": {"c1": 1}}),
        json.dumps({"parameters": 3}),
        json.dumps(RECORDED | {"c1": -1}),
        json.dumps(RECORDED | {"min_freq": "many"}),
    ],
)
def test_wrong_parameter_file_is_a_config_error(run_tune, tmp_path, content):
    """The error names parameter, file and the fields that are expected, and no report is left."""
    (tmp_path / "best.json").write_text(content)
    with pytest.raises(ConfigError, match=r"^params_uri: best\.json is not .* c1, c2, min_freq, max_iterations, entity_bias$"):
        run_tune(params_uri=str(tmp_path / "best.json"))
    assert not (tmp_path / "tuning_report").exists()


def test_missing_parameter_file_is_named(run_tune, tmp_path):
    """A file that is not there is NotFound, by name."""
    with pytest.raises(NotFound, match=r"best\.json"):
        run_tune(params_uri=str(tmp_path / "best.json"))


@pytest.mark.parametrize(("storage", "params_uri"), [("", ""), ("journal://{}/study.log", "best.json")])
def test_tune_worker_without_shared_search_does_nothing(tmp_path, storage, params_uri):
    """Without shared storage, or when parameters are replayed, a worker reads nothing, not even the sentences."""
    paths = {"train_path": tmp_path / "none", "dev_path": tmp_path / "none", "gazetteer_path": tmp_path / "none"}
    shared = search(study_storage=storage.format(tmp_path))
    assert tune_worker(worker=0, params_uri=params_uri, search=shared, **paths) == 0
    assert list(tmp_path.iterdir()) == []


def test_workers_and_tune_share_one_study(parts, run_tune, tmp_path):
    """Workers complete the study between them; tune adds nothing to it and returns its best trial."""
    storage = f"journal://{tmp_path}/studies/study.log"
    shared = {"study_storage": storage, "n_trials": 3}
    paths = {"params_uri": "", **parts}
    finished = [tune_worker(worker=number, search=search(**shared), **paths) for number in (0, 1)]
    assert finished == [3, 3]
    best = json.loads(run_tune(**shared, worker_trials=finished))
    trials = trials_in(storage)
    assert len(trials) == 3
    winner = max(trials, key=lambda trial: (trial.value, -trial.number))
    assert {name: best[name] for name in winner.params} == winner.params


def test_workers_of_one_study_draw_different_trials(parts, tmp_path):
    """A second worker that repeated the first one's trials would be of no use."""
    storage = f"journal://{tmp_path}/study.log"
    for worker, trials in ((0, 2), (1, 4)):
        tune_worker(worker=worker, params_uri="", search=search(study_storage=storage, n_trials=trials), **parts)
    assert len({tuple(trial.params.items()) for trial in trials_in(storage)}) == 4


def test_tune_completes_what_workers_left(parts, run_tune, tmp_path):
    """A trial that a killed worker was at counts for nothing in the end: tune runs what is missing."""
    storage = f"journal://{tmp_path}/study.log"
    study = search(study_storage=storage).open(SearchData(**parts))
    study.ask()
    run_tune(study_storage=storage)
    states = [trial.state.name for trial in trials_in(storage)]
    assert (states.count("COMPLETE"), states.count("RUNNING")) == (2, 1)


def test_other_sentences_are_another_study(parts, run_tune, tmp_path):
    """Trials of other data must not be taken for this data's: the study's name follows from sentences and gazetteer."""
    storage = f"journal://{tmp_path}/study.log"
    write_gazetteer(tmp_path / "gazetteer", Gazetteer.from_terms({"known": ["gout"]}))
    same = SearchData(**parts)
    others = [
        SearchData(same.dev_path, same.train_path, same.gazetteer_path),
        same._replace(gazetteer_path=tmp_path / "gazetteer"),
    ]
    names = [search(study_storage=storage).open(data).study_name for data in (same, same, *others)]
    assert names[0] == names[1]
    assert len(set(names)) == 3


@pytest.mark.parametrize("storage", ["journal://relative/study.log", "study.log"])
def test_wrong_study_storage_is_named(parts, storage):
    """What is neither an absolute journal nor a database URL is refused by the parameter's name."""
    with pytest.raises(ConfigError, match=r"^study_storage: "):
        tune_worker(worker=0, params_uri="", search=search(study_storage=storage), **parts)


def test_tune_without_development_sentences_says_so(run_tune, parts, tmp_path):
    """An empty development part cannot tell good parameters from bad ones; no report is left."""
    write_sentences(tmp_path / "dev", [])
    parts["dev_path"] = tmp_path / "dev"
    with pytest.raises(TooLittleData, match="development part is empty"):
        run_tune()
    assert not (tmp_path / "tuning_report").exists()


def test_plan_of_the_search_reaches_the_study(parts):
    """The first trial is the one that was asked for, and another plan is another study."""
    first = '{"c1": 0.5, "c2": 0.25, "min_freq": 1, "entity_bias": 0.75}'
    data = SearchData(**parts)
    study = search(first_trial=first).open(data)
    assert study.get_trials()[0].system_attrs["fixed_params"] == json.loads(first)
    assert study.study_name != search().open(data).study_name
    with pytest.raises(ConfigError, match="search_space"):
        search(search_space="endless").open(data)
