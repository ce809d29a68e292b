"""JSON of a request, checked field by field; the errors name the field and quote nothing."""

from typing import Any

import orjson

from clinical_ner.errors import RequestError


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body`` is.

    Raises:
        RequestError: it is not JSON of UTF-8 text without lone surrogates, or not an object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = "a lone surrogate" if "surrogate in string" in error.msg else "not UTF-8 JSON"
        raise RequestError(f"body: {reason} at line {error.lineno} column {error.colno}") from None
    return as_object("body", value)


def as_object(field: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(f"{field}: missing or not an object")
    return value


def as_list(field: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise RequestError(f"{field}: missing or not a list")
    return value


def as_string(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{field}: missing or not a string")
    return value


def as_strings(field: str, value: object) -> list[str]:
    """A list of strings; the error names the first element that is none."""
    values = as_list(field, value)
    for number, item in enumerate(values):
        if not isinstance(item, str):
            raise RequestError(f"{field}[{number}]: not a string")
    return values


def as_size(field: str, value: object) -> int:
    """A count or dimension: an integer of at least 0 (``true`` is none)."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RequestError(f"{field}: missing or not an integer of at least 0")
    return value


def as_flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"{field}: not true or false")
    return value


def optional_object(field: str, value: object) -> dict[str, Any]:
    """An object that may be left out; ``null`` is left out, as KServe's own client writes it."""
    return {} if value is None else as_object(field, value)
