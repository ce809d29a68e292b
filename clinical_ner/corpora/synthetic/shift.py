"""What a drill changes about the notes: four knobs, each the share (0 to 1) of mentions or notes that it affects."""

from dataclasses import dataclass, fields

from clinical_ner.errors import ConfigError

DRILL = {"new_diseases": 0.6, "new_treatments": 0.6, "new_site": 0.5, "other_style": 0.5}
"""The value of a knob that is named without one. Each costs a model trained on unshifted notes at least 8 points of strict
F1 (``benchmarks/synthetic_corpus.py``)."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How the notes differ from the unshifted corpus of the same seed.

    Raises:
        ConfigError: a share lies outside 0 to 1.
    """

    new_diseases: float = 0.0
    """Share of disease mentions that name emerging diseases: places, genes and codes instead of Latin and Greek."""

    new_treatments: float = 0.0
    """Share of treatment mentions that are novel: cell and gene therapies, study codes, devices, brands."""

    new_site: float = 0.0
    """Share of patients from another hospital: other specialties, headings, British spelling and abbreviations."""

    other_style: float = 0.0
    """Share of notes in telegraphic shorthand: lower case, clipped words, hardly any punctuation."""

    def __post_init__(self) -> None:
        for knob in fields(self):
            share = getattr(self, knob.name)
            if not 0 <= share <= 1:
                raise ConfigError(f"shift: {knob.name}={share} is not a share between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> "Shift":
        """Read ``new_diseases,new_site=0.5``: knobs by name, with a share or at their drill value; empty is no shift.

        Raises:
            ConfigError: a knob is unknown or named twice, or its value is no number between 0 and 1.
        """
        shares: dict[str, float] = {}
        for item in filter(None, (item.strip() for item in text.split(","))):
            name, has_value, value = (part.strip() for part in item.partition("="))
            if name not in DRILL:
                raise ConfigError(f"shift: unknown knob {name!r}; the knobs are {', '.join(DRILL)}")
            if name in shares:
                raise ConfigError(f"shift: {name} is given twice")
            shares[name] = _parse_share(name, value) if has_value else DRILL[name]
        return cls(**shares)

    def __str__(self) -> str:
        """What :meth:`parse` reads back: the knobs that are not 0, in their order; empty without any."""
        return ",".join(f"{knob.name}={getattr(self, knob.name):g}" for knob in fields(self) if getattr(self, knob.name))


def _parse_share(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ConfigError(f"shift: {name}={value!r} is not a number") from None
