"""Renaming and dropping of labels, so that any corpus can be brought to one set of labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clinical_ner.errors import ConfigError, DataError

EVERY_OTHER = "*"


@dataclass(frozen=True, slots=True)
class LabelMap:
    """From a corpus's labels to the user's; ``None`` drops a label and ``"*"`` stands for every label not listed.

    An empty map keeps every label as it is.
    """

    targets: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "LabelMap":
        """Read ``"D=DISEASE,T=TREATMENT"``; ``X=`` drops X, ``*=DISEASE`` maps and ``*=`` drops every other label.

        Blanks around labels mean nothing; ``""`` is the empty map.

        Raises:
            ConfigError: an entry has no ``=`` or no label before it, or a label is listed twice.
        """
        targets: dict[str, str | None] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            label, equals, target = (part.strip() for part in entry.partition("="))
            if not equals or not label:
                raise ConfigError(f"label_map: {entry!r} is not of the form FROM=TO (or FROM= to drop, *=TO for every other)")
            if label in targets:
                raise ConfigError(f"label_map: {label!r} is listed twice")
            targets[label] = target or None
        return cls(targets)

    def __str__(self) -> str:
        return ",".join(f"{label}={target or ''}" for label, target in self.targets.items())

    def target(self, label: str) -> str | None:
        """The user's label for a corpus's ``label``, or None where it is to be dropped.

        Raises:
            DataError: the map is not empty and lists neither the label nor ``*``.
        """
        if not self.targets:
            return label
        if label in self.targets:
            return self.targets[label]
        if EVERY_OTHER in self.targets:
            return self.targets[EVERY_OTHER]
        raise DataError(
            f"label {label!r} is not in label_map; add {label}=NAME to keep it, {label}= to drop it, or *= to drop every other"
        )
