"""Requests and replies of the REST protocols as files: what an application developer sees, byte for byte but for chance.

``make goldens`` writes the replies anew; the difference is for a person to read.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.serving.golden_model import write_golden_model
from tests.serving.server_process import ServerProcess

FOLDER = Path(__file__).parents[1] / "golden" / "serving"
REQUESTS = sorted(FOLDER.glob("*.request.json"))
UPDATE = os.environ.get("CLINICAL_NER_UPDATE_GOLDENS") == "1"
INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
CHANCE = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def golden_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("golden")
    with ServerProcess(write_golden_model(folder / "model"), folder / "log") as server:
        yield server.wait_ready()


def masked(value: Any, version: str) -> Any:
    """``value`` with entities spelled out, floats to 4 decimals, and ids and the model's version replaced."""
    if isinstance(value, dict):
        return {key: masked(item, version) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, version) for item in value]
    if isinstance(value, float):
        return round(value, 4)
    if not isinstance(value, str):
        return value
    if value.startswith("["):
        return masked(orjson.loads(value), version)
    return CHANCE.sub("<chance>", value).replace(version, "<version>")


def approximate(value: Any) -> Any:
    """``value`` to compare with, its floats within 0.001: training differs by so much between processors."""
    if isinstance(value, dict):
        return {key: approximate(item) for key, item in value.items()}
    if isinstance(value, list):
        return [approximate(item) for item in value]
    return pytest.approx(value, abs=1e-3) if isinstance(value, float) else value


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name.removesuffix(".request.json"))
def test_reply_is_the_golden_one(golden_server: ServerProcess, path: Path) -> None:
    """The reply to each request is the one that is written down."""
    request = orjson.loads(path.read_bytes())
    content = orjson.dumps(request["body"]) if "body" in request else None
    response = httpx.request(request["method"], golden_server.url + request["path"], content=content)
    version = golden_server.get("/v2/models/clinical-ner").json()["versions"][0]
    reply = {"status": response.status_code, "body": masked(response.json(), version)}
    golden = path.with_name(path.name.replace(".request.", ".reply."))
    if UPDATE:
        golden.write_bytes(orjson.dumps(reply, option=INDENTED))

    assert reply == approximate(orjson.loads(golden.read_bytes()))


def test_goldens_are_complete() -> None:
    """There are requests, and every reply has its request."""
    replies = {path.name.replace(".reply.", ".request.") for path in FOLDER.glob("*.reply.json")}

    assert REQUESTS
    assert replies == {path.name for path in REQUESTS}
