"""Parameters of the training pipeline for an action."""

from collections.abc import Sequence

import orjson
from pydantic import JsonValue

from clinical_ner.datasets import dataset_uri
from clinical_ner.digests import digest_of
from clinical_ner.gazetteer import EMPTY
from clinical_ner.model_package import GAZETTEER, Manifest
from clinical_ner.resubmit.cause import EXPERIMENT, Cause
from clinical_ner.resubmit.policy import ResubmitRules
from clinical_ner.resubmit.training_set import TrainingSet
from clinical_ner.search_plan import SEARCHED, SearchPlan
from clinical_ner.term_lists import gazetteer_uri

_INHERITED = ("seed", "dev_fraction", "test_fraction", "feature_groups", "max_iterations")
_SEED_DIGITS = 7  # of hex: fits every integer of the pipeline


def training_parameters(
    cause: Cause,
    champion: Manifest,
    data: TrainingSet,
    rejected: Sequence[Manifest],
    rules: ResubmitRules,
    registry_uri: str,
    *,
    judged_twice: bool = True,
) -> dict[str, JsonValue]:
    """Champion's split, features, term lists and iterations; data by digest; and a search that suits the action.

    ``rejected`` are versions that were, or are about to be, rolled back: their parameters are not tried again, and the sampler
    draws from the cause instead of repeating the trials that found them. With ``judged_twice`` the model must also beat the
    live version on the reviewed test notes, where there are any. Term lists of ``rules`` take the place of the champion's.
    """
    inherited: dict[str, JsonValue] = {name: champion.parameters[name] for name in _INHERITED if name in champion.parameters}
    excluded = [searched_parameters(manifest) for manifest in rejected]
    wide = cause.action == EXPERIMENT
    champions = searched_parameters(champion)
    first = None if wide or SearchPlan.of(excluded=excluded).is_excluded(champions) else champions
    return {
        "gazetteer_uris": gazetteer_uri(gazetteer_digest(champion)),
        **rules.parameters,
        **inherited,
        "corpus_uri": dataset_uri(cause.dataset_digest),
        "corpus_format": "jsonl",
        "label_map": "",
        "test_corpus_uri": dataset_uri(data.test_digest),
        "reviewed_corpus_uri": dataset_uri(data.reviewed_digest) if data.reviewed and judged_twice else "",
        "params_uri": "",
        "n_trials": rules.experiment_trials if wide else rules.retrain_trials,
        "first_trial": _dump(first) if first else "",
        "excluded_trials": _dump(excluded) if excluded else "",
        "search_space": "wide" if wide else "narrow",
        "tuning_seed": _seed_of(cause) if rejected else int(champion.parameters.get("seed", 0)),
        "approval_required": wide or bool(rules.parameters.get("approval_required", False)),
        "model_name": cause.model_name,
        "registry_uri": registry_uri,
    }


def gazetteer_digest(manifest: Manifest) -> str:
    """The digest under which a version's term lists are kept; ``""`` when it has none."""
    digest = manifest.files[GAZETTEER]
    return "" if digest == digest_of(EMPTY.to_json()) else digest


def searched_parameters(manifest: Manifest) -> dict[str, float]:
    """Those of a version's parameters that tuning searches; empty when the manifest lacks one.

    Versions from before there was a bias towards entities had none.
    """
    known = {"entity_bias": 0.0, **manifest.parameters}
    found = {name: known[name] for name in SEARCHED if name in known}
    return found if len(found) == len(SEARCHED) else {}


def _dump(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _seed_of(cause: Cause) -> int:
    return int(cause.id[:_SEED_DIGITS], 16)
