"""Hyperparameter search with Optuna: one study, any number of workers, nothing lost when one is killed.

A worker extracts features once and hands them to CRFsuite once; every trial after that only trains. Workers that share a
study must share its storage: a journal file on one machine, a relational database beyond it (which alone has heartbeats, so
that a killed worker's trial is noticed). Without storage one worker keeps the study in memory.
"""

import hashlib
import logging
import warnings
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from pathlib import Path

import optuna
import pycrfsuite
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from clinical_ner import labels
from clinical_ner.digests import digest_of
from clinical_ner.documents import Entity, ScoredEntity, Token
from clinical_ner.errors import ConfigError, TooLittleData
from clinical_ner.evaluation.counts import count_spans, strict_score
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.postprocess import complete
from clinical_ner.search_plan import SEARCHED, SearchPlan
from clinical_ner.training import CrfParameters, CrfTrainer, LabelledSentence

HEARTBEAT_SECONDS = 60
STARTUP_TRIALS = 5
"""Random trials before the sampler learns from earlier ones."""
_JOURNAL_SCHEME = "journal://"
_DEFAULT_PLAN = SearchPlan.of()

Progress = Callable[[str], None]


def open_study_storage(study_storage: str) -> BaseStorage:
    """``""`` (memory), ``journal:///absolute/file`` or an SQLAlchemy URL such as ``postgresql+psycopg://user@host/db``.

    A password does not belong in the URL, which is stored and shown with every run: the database driver reads it from
    ``PGPASSWORD`` or its password file.

    Raises:
        ConfigError: the scheme is none of these, or the database does not answer.
    """
    if not study_storage:
        return InMemoryStorage()
    if study_storage.startswith(_JOURNAL_SCHEME):
        return _open_journal(Path(study_storage.removeprefix(_JOURNAL_SCHEME)))
    if "://" not in study_storage:
        raise ConfigError("study_storage: neither journal:///absolute/file nor a database URL (dialect+driver://user@host/db)")
    return _open_database(study_storage)


def _open_database(url: str) -> RDBStorage:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats, since Optuna 2.5
            return RDBStorage(url, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=2 * HEARTBEAT_SECONDS)
    except Exception as error:  # SQLAlchemy and each driver raise their own
        raise ConfigError(f"study_storage: the database cannot be opened ({type(error).__name__})") from error


def _open_journal(path: Path) -> JournalStorage:
    if not path.is_absolute():
        raise ConfigError("study_storage: journal:// takes an absolute path (journal:///folder/study.log)")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        raise ConfigError(f"study_storage: the journal cannot be opened ({error.strerror})") from error


def is_shared_between_pods(study_storage: str) -> bool:
    """True for a database server; a journal file, an SQLite file or memory is seen by one machine only."""
    return bool(study_storage) and not study_storage.startswith((_JOURNAL_SCHEME, "sqlite"))


def study_name(model_name: str, *key: str) -> str:
    """The same ``key`` (data, features, seed) and search space have the same name: a repeated step goes on where it stopped."""
    return f"{model_name}-{digest_of(repr((key, SEARCHED)).encode()).removeprefix('sha256:')[:16]}"


def open_study(name: str, study_storage: str, *, seed: int, plan: SearchPlan = _DEFAULT_PLAN) -> optuna.Study:
    """Create the study or join it; the first trial is the plan's, by default the defaults of :class:`CrfParameters`.

    The plan's ``key`` belongs into the ``name``: a study holds the trials of one plan. With one worker and no time limit the
    same ``seed`` gives the same trials. A worker that joins later draws on its own: with the same seed again it would only
    repeat the trials of the first.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = open_study_storage(study_storage)
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=_sampler_seed(seed, len(study.trials)), n_startup_trials=STARTUP_TRIALS)
    if not study.trials and plan.first:
        study.enqueue_trial(dict(plan.first), skip_if_exists=True)
    return study


def _sampler_seed(seed: int, trials: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{trials}".encode()).digest()[:4], "big")


class TuningData:
    """Training data appended to CRFsuite, and development data as features with their gold spans."""

    def __init__(
        self,
        train: Sequence[LabelledSentence],
        dev: Sequence[LabelledSentence],
        spec: FeatureSpec,
        gazetteer: Gazetteer = EMPTY,
    ) -> None:
        if not dev:
            raise TooLittleData("the development part is empty: nothing to tune on")
        self._trainer = CrfTrainer(train, spec, gazetteer)
        self._complete = spec.complete
        self._dev = [list(sentences) for _, sentences in groupby(dev, key=lambda sentence: sentence.document_id)]
        self._features = [pycrfsuite.ItemSequence(extract(sentence.words, spec, gazetteer)) for sentence in dev]
        self._gold = [_spans(sentences, [sentence.tags for sentence in sentences]) for sentences in self._dev]
        self._labels = sorted({span.label for spans in self._gold for span in spans})

    def f1(self, parameters: CrfParameters) -> float:
        """Strict span F1 on the development part of a CRF trained with ``parameters``."""
        model = self._trainer.train(parameters)  # held while the tagger reads from it
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(model)
        features = iter(self._features)
        predicted = []
        for sentences in self._dev:
            spans = _spans(sentences, [tagger.tag(next(features)) for _ in sentences])
            predicted.append(_completed(sentences, spans) if self._complete else spans)
        return strict_score(count_spans(self._gold, predicted, self._labels)).f1


def _spans(sentences: Sequence[LabelledSentence], tags: Sequence[Sequence[str]]) -> list[Entity]:
    return [span.entity(sentence.tokens) for sentence, row in zip(sentences, tags, strict=True) for span in labels.decode(row)]


def _completed(sentences: Sequence[LabelledSentence], spans: Sequence[Entity]) -> list[Entity]:
    """As the tagger completes them; scores, which sentences here have not, only settle which of two labels goes on."""
    scored = [ScoredEntity(*span, score=1.0) for span in spans]
    tokens = [sentence.tokens for sentence in sentences]
    return [entity.entity for entity in complete(_text_of(tokens), tokens, scored)]


def _text_of(sentences: Sequence[Sequence[Token]]) -> str:
    """The document's text up to its white space, which is blanks here: tokens stand at their own offsets."""
    parts, end = [], 0
    for token in chain.from_iterable(sentences):
        parts.append(" " * (token.start - end) + token.text)
        end = token.end
    return "".join(parts)


def suggest_parameters(trial: optuna.Trial, *, max_iterations: int, plan: SearchPlan = _DEFAULT_PLAN) -> CrfParameters:
    """The trial's parameters from the plan's space.

    Raises:
        optuna.TrialPruned: the plan excludes them; such a trial counts for nothing.
    """
    return plan.suggest(trial, max_iterations=max_iterations)


def run_trials(
    study: optuna.Study,
    data: TuningData,
    *,
    n_trials: int,
    max_iterations: int,
    plan: SearchPlan = _DEFAULT_PLAN,
    timeout_seconds: float = 0,
    count_running: bool = False,
    progress: Progress = lambda _: None,
) -> None:
    """Run trials until the study, not this worker alone, has ``n_trials`` finished ones, or time is up (0: no limit).

    With ``count_running`` the trials that other workers are at count as finished: a worker among several stops in time, and
    whoever collects the study runs again without it, in case one of them was killed. Trials that the plan excludes are
    neither trained nor counted.
    """
    states = (TrialState.COMPLETE, TrialState.RUNNING) if count_running else (TrialState.COMPLETE,)

    def is_complete() -> bool:
        return len(study.get_trials(deepcopy=False, states=states)) >= n_trials

    def after_trial(study: optuna.Study, trial: FrozenTrial) -> None:
        if trial.value is not None:
            progress(
                f"trial {len(finished_trials(study))}/{n_trials}: strict F1 {trial.value:.4f}, best {study.best_value:.4f}"
            )
        if is_complete():
            study.stop()

    if not is_complete():
        study.optimize(
            lambda trial: data.f1(suggest_parameters(trial, max_iterations=max_iterations, plan=plan)),
            timeout=timeout_seconds or None,
            callbacks=[after_trial],
        )


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that have a value."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def best_parameters(study: optuna.Study, *, max_iterations: int) -> CrfParameters:
    """Parameters of the best finished trial; of equal ones the earliest.

    Raises:
        TooLittleData: no trial finished.
    """
    trials = finished_trials(study)
    if not trials:
        raise TooLittleData("no tuning trial finished: raise tuning_timeout_seconds or n_trials")
    best = max(trials, key=lambda trial: (trial.value or 0.0, -trial.number))
    return CrfParameters(**best.params, max_iterations=max_iterations)


logging.getLogger("optuna").setLevel(logging.WARNING)
