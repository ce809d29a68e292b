"""What all parts of a rollout's record have in common."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Written(BaseModel):
    """A part of what is written down; never changed in place.

    Fields are read as ``hold_seconds`` and as ``holdSeconds``, as Kubernetes spells them, and written as the former unless
    ``by_alias`` is asked for; errors name them as the former. Keys of mappings (labels, pods) are data and stay as they are.
    """

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_alias=True, validate_by_name=True, loc_by_alias=False
    )
