"""Lists of the double: filters, pages, and failures with a status."""

import json
from typing import Any


class ApiError(Exception):
    """A reply that is not 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def filtered(items: Any, predicates: str, keys: set[str]) -> list[Any] | None:
    """Items that fit all predicates, which may use ``keys`` and tags; ``None`` instead of an empty list."""
    found = list(items)
    for predicate in json.loads(predicates)["predicates"] if predicates else []:
        if predicate["operation"] != "EQUALS":
            raise ApiError(400, "only EQUALS is known here")
        key, wanted = predicate["key"], predicate["stringValue"]
        if key.startswith("tags."):
            found = [item for item in found if (item.tags or {}).get(key.removeprefix("tags.")) == wanted]
        elif key in keys:
            found = [item for item in found if getattr(item, key) == wanted]
        else:
            raise ApiError(400, f"cannot filter by {key}")
    return found or None


def page(items: list[Any] | None, query: dict[str, str]) -> tuple[list[Any], str | None]:
    """One page of items sorted by a time, and the token of the next one; the real server's pages have 20 unless asked."""
    key, _, order = query.get("sort_by", "created_at").partition(" ")
    ordered = sorted(items or [], key=lambda item: getattr(item, key), reverse=order == "desc")
    first, size = int(query.get("page_token") or 0), int(query.get("page_size") or 20)
    more = first + size < len(ordered)
    return ordered[first : first + size], str(first + size) if more else None
