"""One S3 server: whom it lets in, how long it is waited for, and the request that the minio client cannot make."""

import hashlib
import io
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from xml.etree.ElementTree import ParseError

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.error import S3Error, ServerError
from minio.signer import sign_v4_s3
from minio.time import to_amz_date, utcnow
from urllib3.util import Retry, Timeout

from clinical_ner.errors import ConfigError
from clinical_ner.settings import Settings

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0

# Only what reads is repeated by itself. A redirect is not followed: it would take notes and signature to another host.
_READ_RETRIES = Retry(
    total=3,
    redirect=False,
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
)


@dataclass(frozen=True, slots=True)
class S3Connection:
    """A server and the credentials for it; threads may share one, processes may not."""

    client: Minio
    pool: urllib3.PoolManager
    credentials: Credentials
    region: str
    host: str

    def put(self, bucket: str, name: str, data: bytes, headers: dict[str, str]) -> None:
        """Send an object once, with ``headers`` signed along; nothing is repeated.

        The client's own upload takes no conditional headers. A presigned URL would, but holds the access key and the session
        token, and URLs get into logs and tracebacks.

        Raises:
            S3Error, ServerError: the server refused.
            urllib3.exceptions.HTTPError: no reply came; whether the object was written is then unknown.
        """
        url = self._address(bucket, name)
        # A body of bytes would have to pass within one CONNECT_SECONDS; read from a file each block has that time.
        response = self.pool.urlopen(
            "PUT", url.geturl(), body=io.BytesIO(data), headers=self._signed(url, data, headers), retries=False, redirect=False
        )
        if response.status != 200:
            raise _refusal(response)

    def _address(self, bucket: str, name: str) -> SplitResult:
        # Whether the bucket belongs in the path or in the host's name is the client's to say, and it says it only here.
        return urlsplit(self.client.get_presigned_url("PUT", bucket, name))._replace(query="")

    def _signed(self, url: SplitResult, data: bytes, headers: dict[str, str]) -> dict[str, str]:
        now, digest, token = utcnow(), hashlib.sha256(data).hexdigest(), self.credentials.session_token
        unsigned = {
            **headers,
            "Host": url.netloc,
            "Content-Length": str(len(data)),
            "x-amz-content-sha256": digest,
            "x-amz-date": to_amz_date(now),
            **({"X-Amz-Security-Token": token} if token else {}),
        }
        signed = sign_v4_s3(
            method="PUT",
            url=url,
            region=self.region,
            headers=dict(unsigned),
            credentials=self.credentials,
            content_sha256=digest,
            date=now,
        )
        return {**unsigned, "Authorization": str(signed["Authorization"])}


def connect(settings: Settings) -> S3Connection:
    """The server that the settings name. Nothing is sent yet.

    Raises:
        ConfigError: endpoint, region, certificates or credentials are missing or malformed; no credential is in the message.
    """
    secure, host = _endpoint(settings.s3_endpoint)
    credentials = _credentials(settings)
    if settings.s3_ca_file and not Path(settings.s3_ca_file).is_file():
        raise ConfigError(f"CLINICAL_NER_S3_CA_FILE or AWS_CA_BUNDLE: {settings.s3_ca_file}: no such file")
    pool = urllib3.PoolManager(
        maxsize=16,
        timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=_READ_RETRIES,
        cert_reqs=ssl.CERT_REQUIRED,
        ca_certs=settings.s3_ca_file or certifi.where(),
    )
    try:
        # With a region the client does not ask the server for one first.
        client = Minio(
            host,
            credentials.access_key,
            credentials.secret_key,
            session_token=credentials.session_token,
            secure=secure,
            region=settings.s3_region,
            http_client=pool,
        )
    except ValueError as error:
        raise ConfigError(f"S3 endpoint {host!r}, region {settings.s3_region!r}: {error}") from error
    return S3Connection(client, pool, credentials, settings.s3_region, host)


def _endpoint(endpoint: str) -> tuple[bool, str]:
    """Whether to use TLS, and the host with its port."""
    parts = urlsplit(endpoint)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or "@" in parts.netloc
    ):
        raise ConfigError(
            "s3:// needs the server's address, such as https://s3.example.org or http://127.0.0.1:9000, without path and "
            "credentials, in CLINICAL_NER_S3_ENDPOINT or AWS_ENDPOINT_URL"
        )
    return parts.scheme == "https", parts.netloc


def _credentials(settings: Settings) -> Credentials:
    keys = [settings.s3_access_key, settings.s3_secret_key, settings.s3_session_token]
    access, secret, token = (key.get_secret_value() for key in keys)
    if not access or not secret:
        raise ConfigError("s3:// needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return Credentials(access, secret, token or None)


def _refusal(response: urllib3.BaseHTTPResponse) -> S3Error | ServerError:
    try:
        return S3Error.fromxml(response)
    except (ParseError, ValueError):
        # Not every proxy in between answers in S3's XML; what else it says is not passed on.
        return ServerError(f"HTTP status {response.status}", response.status)
