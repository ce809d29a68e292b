"""A plan as one parameter of a pipeline: nothing, a few words of YAML, or where a file lies."""

from clinical_ner.errors import ConfigError, NotFound
from clinical_ner.rollout.plan import DEFAULT_PLAN, RolloutPlan, parse_plan
from clinical_ner.storage.objects import read_object

SOURCE = "rollout_plan"
_INLINE = ("{", "\n", ": ")
"""What YAML of a plan holds, and no address does."""


def is_address(text: str) -> bool:
    """Whether it names where a plan lies."""
    return bool(text.strip()) and not any(mark in text for mark in _INLINE)


def load_plan(text: str) -> RolloutPlan:
    """The plan that ``text`` is (YAML or JSON), or that lies at the URI or path in it; the default one when it is blank.

    Raises:
        ConfigError: there is none, or it is no plan; the message names each field and its limit.
        StorageError: the store cannot be read.
    """
    if not text.strip():
        return DEFAULT_PLAN
    if not is_address(text):
        return parse_plan(text.encode(), source=SOURCE)
    try:
        return parse_plan(read_object(text), source=text)
    except NotFound as error:
        raise ConfigError(f"{SOURCE}: {text!r} is neither a plan as YAML nor where one lies") from error
