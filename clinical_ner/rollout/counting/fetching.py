"""One GET within a time, as the sources need it."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping

from clinical_ner.errors import ConfigError, MetricsUnavailable

MAX_BYTES = 64 << 20


def fetch(url: str, *, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of a reply with status 200.

    Raises:
        MetricsUnavailable: there is none within the time, or it is larger than ``MAX_BYTES``; the message names the URL.
        ConfigError: the URL is not one of HTTP.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{url!r}: a URL that begins with http:// or https:// is expected")
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as reply:  # noqa: S310
            body: bytes = reply.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise MetricsUnavailable(f"{url.partition('?')[0]}: answered {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        raise MetricsUnavailable(f"{url.partition('?')[0]}: no answer ({type(error).__name__})") from error
    if len(body) > MAX_BYTES:
        raise MetricsUnavailable(f"{url.partition('?')[0]}: more than {MAX_BYTES:,} bytes")
    return body
