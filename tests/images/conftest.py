"""The built images and the engine that runs them; without either a test is skipped."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from pipelines.compilation import compile_pipeline
from pipelines.platform import Platform

RESTRICTED: dict[str, Any] = {
    "user": "12345:0",
    "read_only": True,
    "tmpfs": {"/tmp": ""},  # in the container
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "network_mode": "host",
}
"""Harder than the manifests: a user id that the image does not know, nothing writable but /tmp, no capability."""


class Images:
    """What an image holds, and what a command says in it."""

    def __init__(self, engine: docker.DockerClient, name: str) -> None:
        self._engine, self.name = engine, name

    @property
    def config(self) -> dict[str, Any]:
        return dict(self._engine.images.get(self.name).attrs["Config"])

    def run(self, *command: str, **options: Any) -> str:
        """What ``command`` prints, without a shell; the test fails unless it ends with 0.

        Read when all is over: followed while it runs, podman's output now and then lacks its end.
        """
        chosen = {**RESTRICTED, **options}
        container = self._engine.containers.run(self.name, command[1:], entrypoint=command[0], detach=True, **chosen)
        try:
            status, printed = container.wait(timeout=120)["StatusCode"], bytes(container.logs()).decode()
        finally:
            container.remove(force=True)
        assert status == 0, printed
        return printed


def image_name(variable: str) -> str:
    """The image that an environment variable names; the test is skipped when it names none."""
    return os.environ.get(variable) or pytest.skip(f"{variable} names no image")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """Docker, or what answers like it at DOCKER_HOST; the test is skipped when nothing does."""
    try:
        client = docker.from_env(timeout=300)
    except docker.errors.DockerException:
        pytest.skip("no container engine answers")
    yield client
    client.close()


@pytest.fixture(scope="session")
def train_image_name() -> str:
    return image_name("CLINICAL_NER_TRAIN_IMAGE")


@pytest.fixture(scope="session")
def serve_image_name() -> str:
    return image_name("CLINICAL_NER_SERVE_IMAGE")


@pytest.fixture
def train_image(train_image_name: str, engine: docker.DockerClient) -> Images:
    return Images(engine, train_image_name)


@pytest.fixture
def serve_image(serve_image_name: str, engine: docker.DockerClient) -> Images:
    return Images(engine, serve_image_name)


@pytest.fixture(params=["train", "serve"])
def image(request: pytest.FixtureRequest) -> Images:
    """Each of the two."""
    found = request.getfixturevalue(f"{request.param}_image")
    assert isinstance(found, Images)
    return found


@pytest.fixture(scope="session")
def training_package(train_image_name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training pipeline, compiled with the image that was built."""
    path = tmp_path_factory.mktemp("compiled") / "training.yaml"
    compile_pipeline(path, Platform(image=train_image_name))
    return path
