"""What failures of the API mean to the person who submits, and what no message holds."""

import socket
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from tests.doubles.kfp_api import Fault, KfpApi, running_kfp_api

Options = Callable[..., SubmitOptions]
TOKEN = "eyJhbGciOiJSUzI1NiJ9.secret"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, "redirected.*login page"),
        (400, "refused the request"),
        (401, "not logged in.*CLINICAL_NER_KFP_TOKEN"),
        (403, "no right.*platform team"),
        (404, "not found.*under /pipeline"),
        (409, "exists already"),
        (413, "too large"),
        (418, r"\(HTTP 418"),
        (429, "too many requests"),
        (500, "the server failed.*ml-pipeline"),
        (503, "the server failed"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/pipelines"),
        ("POST", "/pipelines"),
        ("POST", "/upload_version"),
        ("GET", "/versions"),
        ("GET", "/experiments"),
        ("POST", "/experiments"),
        ("POST", "/runs"),
    ],
)
def test_every_status_of_every_request_is_explained(
    api: KfpApi, options: Options, package_path: Path, method: str, path: str, status: int, expected: str
) -> None:
    """Whichever request fails, the message says what could not be done, where, and what to do about it."""
    api.faults.append(Fault(method, path, status=status, times=1000, location="https://login.example.org/"))
    with pytest.raises(PipelineRunError, match=rf"cannot (look up|create|upload|list) .* at {api.host}: .*{expected}"):
        submit(package_path, {}, options())
    assert not api.store.workflows


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>oops</html>", b"[1]", b'{"message": null}'])
def test_error_replies_of_any_kind_are_explained(api: KfpApi, options: Options, package_path: Path, body: bytes) -> None:
    """A proxy's reply that is no JSON, or no text at all, still ends in our own error."""
    api.faults.append(Fault("GET", "/pipelines", status=502, body=body))
    with pytest.raises(PipelineRunError, match="cannot look up pipeline"):
        submit(package_path, {}, options())


def test_a_login_page_of_status_200_is_recognized(api: KfpApi, options: Options, package_path: Path) -> None:
    """The generated client reads HTML as an empty object; that is not taken for a pipeline."""
    api.faults += [
        Fault(method, "/pipelines", status=200, times=1000, body=b"<html>log in</html>") for method in ("GET", "POST")
    ]
    with pytest.raises(PipelineRunError, match="does not answer like a KFP API"):
        submit(package_path, {}, options())


def test_a_closed_port_is_explained_at_once(options: Options, package_path: Path) -> None:
    """No connection is a question of address and port-forward, and nothing is retried for minutes."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(PipelineRunError, match=r"no connection\. Check the address"):
        submit(package_path, {}, options(host=f"http://127.0.0.1:{port}"))


def test_a_silent_server_is_explained(api: KfpApi, options: Options, package_path: Path) -> None:
    """A request has a time limit of ours, which the message names."""
    api.faults.append(Fault("GET", "/pipelines", delay_seconds=3))
    with pytest.raises(PipelineRunError, match="no reply within 1 s"):
        submit(package_path, {}, options(request_seconds=1))


def test_a_broken_connection_is_explained(api: KfpApi, options: Options, package_path: Path) -> None:
    """A connection that ends without a reply is told from a refused one."""
    api.faults.append(Fault("GET", "/pipelines", status=0))
    with pytest.raises(PipelineRunError, match="the connection broke"):
        submit(package_path, {}, options())


def test_plain_http_behind_an_https_address_is_explained(api: KfpApi, options: Options, package_path: Path) -> None:
    """A failed TLS handshake names TLS."""
    with pytest.raises(PipelineRunError, match="TLS failed"):
        submit(package_path, {}, options(host=api.host.replace("http://", "https://")))


def test_token_is_sent_and_never_shown(
    package_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """With the token the submission works; neither objects, output, log nor a whole traceback hold it."""
    caplog.set_level("DEBUG")
    with running_kfp_api(token=TOKEN) as api:
        options = SubmitOptions(host=api.host, token=TOKEN, token_file=tmp_path / "none")
        run = submit(package_path, {}, options)
        api.faults.append(Fault("GET", "/pipelines", status=403, body=f'{{"error": "bad {TOKEN}"}}'.encode()))
        with pytest.raises(PipelineRunError) as denied:
            submit(package_path, {}, options)
        with pytest.raises(PipelineRunError, match="not logged in"):
            submit(package_path, {}, SubmitOptions(host=api.host, token="wrong-token-1", token_file=tmp_path / "none"))
    captured = capfd.readouterr()
    shown = [repr(options), repr(run), captured.out, captured.err, caplog.text, *traceback.format_exception(denied.value)]
    assert not [text for text in shown if TOKEN in text or "wrong-token-1" in text]
    assert "bad ***" in str(denied.value)


def test_argument_values_are_not_repeated_from_the_servers_words(api: KfpApi, options: Options, package_path: Path) -> None:
    """Servers quote parameter values in their errors; our message and its cause do not."""
    secret = "s3://patients-of-dr-house/corpus"
    api.faults.append(Fault("POST", "/runs", status=400, body=f'{{"message": "value {secret} is odd"}}'.encode()))
    with pytest.raises(PipelineRunError, match=r"value \*\*\* is odd") as refused:
        submit(package_path, {"corpus_uri": secret}, options())
    assert secret not in "".join(traceback.format_exception(refused.value))


def test_default_values_stay_in_the_servers_words(api: KfpApi, options: Options, package_path: Path) -> None:
    """A default is no secret: blanking out "clinical-ner" would garble every message about the pipeline."""
    api.faults.append(Fault("POST", "/runs", status=400, body=b'{"message": "bad model clinical-ner"}'))
    with pytest.raises(PipelineRunError, match="bad model clinical-ner"):
        submit(package_path, {"model_name": "clinical-ner"}, options())


def test_token_of_the_pod_is_used_in_a_cluster(package_path: Path, tmp_path: Path) -> None:
    """Without a token of its own a submission reads the projected one, anew for every request."""
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")
    with running_kfp_api(token=TOKEN) as api:
        options = SubmitOptions(host=api.host, token_file=token_file)
        assert submit(package_path, {}, options).run_id in api.store.runs
        api.token = "renewed"
        token_file.write_text("renewed")
        assert submit(package_path, {}, options).run_id in api.store.runs
