"""What could be submitted for a decision: a record with its parameters, and the data that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from clinical_ner.gate import GateThresholds
from clinical_ner.gazetteer import Gazetteer
from clinical_ner.model_package import GAZETTEER
from clinical_ner.model_versions import ModelVersion
from clinical_ner.registry import Registry
from clinical_ner.resubmit.cause import RETRAIN, ROLL_BACK, Cause, TrainingAction
from clinical_ner.resubmit.parameters import gazetteer_digest, training_parameters
from clinical_ner.resubmit.policy import ResubmitRules
from clinical_ner.resubmit.records import Record, Step
from clinical_ner.resubmit.training_set import TrainingSet
from clinical_ner.storage import Storage
from clinical_ner.term_lists import store_gazetteer
from clinical_ner.version_states import State as VersionState


class Request(BaseModel):
    """A decision's action and reasons, the windows it rests on, and digests of stored datasets of corrections.

    ``drifted`` is false when a retrain was asked for by newly annotated data alone.
    """

    model_config = ConfigDict(frozen=True)

    action: str
    drifted: bool = True
    reasons: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The reasons in one line."""
        return " ".join(self.reasons) or f"the decision is {self.action}"

    @property
    def judged_twice(self) -> bool:
        """Whether the model must also be better than the live version on reviewed notes, which is what drift calls for.

        More data alone need not show; after a roll back a model that is no better than what is live again is of no use.
        """
        return self.action != RETRAIN or self.drifted


@dataclass(frozen=True, slots=True)
class Plan:
    """A record that could be submitted, the version it is to replace, and the data that it needs."""

    record: Record
    champion: ModelVersion
    training_set: TrainingSet


def make_plan(
    request: Request,
    action: TrainingAction,
    training_set: TrainingSet,
    champion: ModelVersion,
    versions: Sequence[ModelVersion],
    rules: ResubmitRules,
    *,
    registry_uri: str,
    proposed: Step,
) -> Plan:
    """The plan of ``request`` against ``champion``, which is one of ``versions``; its record begins with ``proposed``."""
    cause = Cause(model_name=champion.name, champion_digest=champion.digest, action=action, dataset_digest=training_set.digest)
    withdrawn = [version for version in versions if version.state is VersionState.ROLLED_BACK]
    rejected = [*withdrawn, champion] if action == ROLL_BACK else withdrawn
    parameters = training_parameters(
        cause,
        champion.manifest,
        training_set,
        [version.manifest for version in rejected],
        rules,
        registry_uri,
        judged_twice=request.judged_twice,
    )
    record = Record(
        cause=cause, champion_version=champion.version, parameters=parameters, evidence=request.evidence, steps=(proposed,)
    )
    return Plan(record, champion, training_set)


def why_annotate(request: Request, plan: Plan, rules: ResubmitRules) -> str:
    """Why nothing but annotation would help: there is nothing new to train on, or too little to show that drift is answered.

    A roll back is not held up: the version that is worse goes first, and the gate says what is missing.
    """
    training_set = plan.training_set
    if request.action == ROLL_BACK:
        return ""
    if not training_set.changed:
        return f"the training dataset would equal that of the champion {plan.champion.version}"
    if not training_set.sampled or not request.judged_twice:
        return ""
    given = rules.parameters.get("min_reviewed_spans")
    wanted = given if isinstance(given, int) else GateThresholds().min_reviewed_spans
    if training_set.reviewed_spans >= wanted:
        return ""
    return (
        f"too few reviewed test notes: {len(training_set.reviewed):,} with {training_set.reviewed_spans:,} entities, of "
        f"min_reviewed_spans = {wanted:,}, were drawn uniformly, answered by the live version, and held out"
    )


def keep_term_lists(storage: Storage, registry: Registry, champion: ModelVersion) -> None:
    """Keep the champion's term lists where the training will look; they lie there unless it was made elsewhere."""
    if gazetteer_digest(champion.manifest):
        payload = registry.files(champion.name, champion.version)
        store_gazetteer(storage, Gazetteer.from_json(payload[GAZETTEER]))
