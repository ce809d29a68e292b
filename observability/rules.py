"""Recording and alert rules, and the PrometheusRule objects that carry them."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from observability.expressions import Expression

Severity = Literal["critical", "warning", "info"]
"""``critical`` wakes somebody, ``warning`` is looked at in working hours, ``info`` is read when somebody looks."""

RUNBOOKS = "https://clinical-ner.example.org/docs/runbooks"
"""Where docs/runbooks is published, unless ``--runbooks`` says otherwise."""


class Recording(NamedTuple):
    """``name`` is level:metric:operation, as https://prometheus.io/docs/practices/rules/ has it."""

    name: str
    expression: str

    def to_object(self) -> dict[str, object]:
        return {"record": self.name, "expr": self.expression}


class Alert(NamedTuple):
    """``name`` stands behind ClinicalNer; ``hold`` is how long the expression must hold, such as 5m."""

    name: str
    severity: Severity
    expression: Expression
    hold: str
    summary: str
    description: str
    labels: Mapping[str, str] = {}
    """Tell rules of one name apart."""

    @property
    def full_name(self) -> str:
        return f"ClinicalNer{self.name}"

    def to_object(self, runbooks: str) -> dict[str, object]:
        annotations = {"summary": self.summary, "description": self.description}
        return {
            "alert": self.full_name,
            "expr": self.expression.text,
            **({"for": self.hold} if self.hold else {}),
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {**annotations, "runbook_url": f"{runbooks}/{self.full_name}.md"},
        }


class Group(NamedTuple):
    """Evaluated together, recordings first: an alert may ask for what its group has just recorded."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]

    def to_object(self, runbooks: str) -> dict[str, object]:
        rules = [each.to_object() for each in self.recordings] + [each.to_object(runbooks) for each in self.alerts]
        return {"name": f"clinical-ner-{self.name}", "rules": rules}

    def to_resource(self, runbooks: str) -> dict[str, object]:
        """A PrometheusRule of the Prometheus operator; its ``spec`` is a rule file of Prometheus."""
        return {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {
                "name": f"clinical-ner-{self.name}",
                "labels": {"app.kubernetes.io/name": "clinical-ner", "app.kubernetes.io/component": "monitoring"},
            },
            "spec": {"groups": [self.to_object(runbooks)]},
        }
