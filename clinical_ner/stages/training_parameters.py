"""Parameters of the training pipeline that its late stages read, checked before the first one runs."""

from collections.abc import Mapping
from typing import Any

from clinical_ner.corpora.quarantine import check_on_bad_record
from clinical_ner.features import FeatureSpec
from clinical_ner.gate.thresholds import GateThresholds
from clinical_ner.rollout.plan_source import is_address
from clinical_ner.splitting import SplitRule
from clinical_ner.stages.register import check_promotion
from clinical_ner.stages.rollout import check_rollout


def check_training_parameters(values: Mapping[str, Any], *, read_plan: bool) -> None:
    """Refuse what a stage would refuse hours later, of all ``values`` of the pipeline's parameters, each of its own type.

    ``read_plan``: a rollout's plan that lies elsewhere is read, which the stage alone may be allowed to.

    Raises:
        ConfigError: a value is out of its range, or does not fit another; the message names it.
        StorageError: the plan's store cannot be read.
    """
    check_on_bad_record(values["on_bad_record"])
    SplitRule.checked(**{name: values[name] for name in SplitRule.model_fields})
    FeatureSpec.parse(values["feature_groups"])
    GateThresholds.checked(**{name: values[name] for name in GateThresholds.model_fields if name in values})
    target, plan = values["rollout_target"], values["rollout_plan"]
    check_promotion(values["promote"], target)
    left = target and is_address(plan) and not read_plan
    check_rollout(target, "" if left else plan, values["rollout_wait_minutes"])
