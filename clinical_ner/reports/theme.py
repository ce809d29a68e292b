"""The look that all reports share, and the two ways from a template to text.

HTML reports open in an iframe with ``sandbox="allow-scripts"`` and no network: ``base.html.jinja`` holds all style, uses system
fonts, and forbids by its own content security policy that anything is loaded. Values are escaped in both formats unless
they are :class:`~markupsafe.Markup`.
"""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# "<" and "&" mean something before these only; elsewhere they stay, since the raw text is read too.
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=[#A-Za-z])")
_REFERENCES = {"<": "&lt;", "&": "&amp;"}
_MARKDOWN_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\|*_~`[]"} | {"\n": " ", "\r": " "})


def render_html(template: str, **values: object) -> str:
    """A complete HTML page from ``templates/<template>.html.jinja``."""
    return _html_environment().get_template(f"{template}.html.jinja").render(**values)


def render_markdown(template: str, **values: object) -> str:
    """Markdown from ``templates/<template>.md.jinja``; values cannot break out of a table cell."""
    return _markdown_environment().get_template(f"{template}.md.jinja").render(**values)


@cache
def _html_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("clinical_ner.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, percent=percent, decimals=decimals)
    return environment


@cache
def _markdown_environment() -> Environment:
    environment = Environment(  # noqa: S701  Markdown: HTML's escapes would show; `finalize` escapes what Markdown reads
        loader=PackageLoader("clinical_ner.reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape_markdown,
    )
    environment.filters.update(count=count, percent=percent, decimals=decimals, code=code)
    return environment


def escape_markdown(value: Any) -> str:
    """``value`` as plain text in Markdown, on one line; :class:`~markupsafe.Markup` passes as it is."""
    if isinstance(value, Markup):
        return value
    text = _MARKUP.sub(lambda found: _REFERENCES[found.group()], str(value))
    return text.translate(_MARKDOWN_SPECIAL)


def code(value: object) -> Markup:
    """``value`` as a code span that may stand in a table; a back quote in it becomes an apostrophe."""
    text = " ".join(str(value).replace("`", "'").replace("|", "\\|").split())
    return Markup(f"`{text}`" if text else "-")  # noqa: S704  Markdown, and nothing ends the code span


def count(value: float) -> str:
    """A whole number with separators: ``12,345``."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """A share of 1 as per cent: ``12.3 %``; what is not all, or not nothing, is never rounded to it."""
    if 0 < value < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    return f"{100 * value:.1f} %"


def decimals(value: float | None, places: int = 3) -> str:
    """``0.812``; a dash for None."""
    return "-" if value is None else f"{value:.{places}f}"
