"""The gate's answer."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["approve", "reject"]


class GateCheck(BaseModel):
    """One question that the gate asked, with its answer in words a person reads."""

    model_config = ConfigDict(frozen=True)

    name: str
    threshold: str
    value: str
    verdict: Literal["pass", "fail", "warn", "skipped"]
    reason: str


class GateReport(BaseModel):
    """The gate's answer.

    ``comparison`` is what champion and challenger do on the same notes, the canary's expectation: rows of the reference test
    notes, and those whose name begins with ``reviewed.``, of the reviewed ones. Each row holds ``champion``, ``challenger`` and
    their ``ratio``; the rows of F1 also ``difference`` and its 95 % interval, ``low`` to ``high``.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    checks: tuple[GateCheck, ...]
    champion: str
    comparison: dict[str, dict[str, float]]
