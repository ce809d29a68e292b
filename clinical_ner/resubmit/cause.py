"""What makes two resubmissions the same one."""

from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

from clinical_ner.digests import digest_of, hex_of
from clinical_ner.errors import ConfigError

QUIET = ("none", "watch")
NEEDS_ANNOTATION = "needs-annotation"
ROLL_BACK = "roll-back"
RETRAIN = "retrain"
EXPERIMENT = "experiment"
TRAINING = (RETRAIN, EXPERIMENT, ROLL_BACK)

TrainingAction = Literal["retrain", "experiment", "roll-back"]


class Cause(BaseModel):
    """Model, its champion, what to do, and the data to do it with. The windows that led there are evidence, not part of it:
    any number of windows that ask for the same are one cause.
    """

    model_config = ConfigDict(frozen=True)

    model_name: str
    champion_digest: str
    action: TrainingAction
    dataset_digest: str

    @property
    def id(self) -> str:
        """64 hex digits: the sha256 over the four fields as canonical JSON."""
        return hex_of(digest_of(orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS)))


def check_action(action: str) -> str:
    """Return ``action``.

    Raises:
        ConfigError: no decision has such an action.
    """
    known = (*QUIET, *TRAINING, NEEDS_ANNOTATION)
    if action not in known:
        raise ConfigError(f"action {action!r} is unknown; known are {', '.join(known)}")
    return action
