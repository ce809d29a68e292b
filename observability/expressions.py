"""PromQL put together so that every query inside a condition can be asked on its own.

A condition returns nothing while all is well, and nothing too when a metric's name is wrong. So an :class:`Expression` keeps
the queries that its conditions are about: they must always return data where server and jobs report, which tests ask of a
real Prometheus.
"""

from typing import NamedTuple


class Expression(NamedTuple):
    """PromQL that returns a series where something is wrong."""

    text: str
    queries: tuple[str, ...]
    """What it looks at; each returns data while all is well."""

    def both(self, other: "Expression", on: str = "") -> "Expression":
        """Where both hold; the values are the first one's. ``on`` are the labels to match by, all of them by default."""
        return self._join("and", other, on)

    def either(self, other: "Expression") -> "Expression":
        return self._join("or", other, "")

    def unless(self, other: "Expression", on: str) -> "Expression":
        return self._join("unless", other, on)

    def _join(self, operator: str, other: "Expression", on: str) -> "Expression":
        matching = f" on ({on})" if on else ""
        return Expression(f"({self.text})\n{operator}{matching}\n({other.text})", (*self.queries, *other.queries))


def above(query: str, limit: float) -> Expression:
    return Expression(f"{query} > {limit:g}", (query,))


def below(query: str, limit: float) -> Expression:
    return Expression(f"{query} < {limit:g}", (query,))


def equal(query: str, value: float) -> Expression:
    return Expression(f"{query} == {value:g}", (query,))


def present(query: str) -> Expression:
    return Expression(query, (query,))


def missing(query: str) -> Expression:
    """No series at all."""
    return Expression(f"absent({query})", (query,))
