"""What KServe's routes and the gRPC service tell of the server and its model."""

from typing import Any, NoReturn

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from kserve.protocol.dataplane import DataPlane  # type: ignore[import-untyped]
from kserve.protocol.rest.v2_datamodels import (  # type: ignore[import-untyped]
    ModelMetadataResponse,
    ModelReadyResponse,
)
from kserve.protocol.rest.v2_endpoints import V2Endpoints  # type: ignore[import-untyped]
from starlette.exceptions import HTTPException

import clinical_ner
from clinical_ner.errors import ModelNotReady
from serving.errors import failure_of
from serving.model import NoteModel

EXTENSIONS = ["binary_tensor_data"]
PLATFORM = "crfsuite"


class NoteDataPlane(DataPlane):  # type: ignore[misc]
    """KServe's answers, with the model's real readiness and version."""

    def __init__(self, registry: Any, model: NoteModel) -> None:
        super().__init__(model_registry=registry)
        self._model = model

    def metadata(self) -> dict[str, Any]:
        return {"name": "clinical-ner", "version": clinical_ner.__version__, "extensions": EXTENSIONS}

    async def ready(self) -> bool:
        return bool(self._model.ready)

    async def model_ready(
        self,
        model_name: str,
        disable_predictor_health_check: bool = False,  # noqa: ARG002  # KServe's signature
        version: str = "",
    ) -> bool:
        """Raises as :meth:`NoteModel.check`, but a model being loaded is just not ready."""
        if self._model.versions:
            self._model.check(model_name, version)
        return bool(self._model.ready)

    async def model_metadata(self, model_name: str, version: str = "") -> dict[str, Any]:
        """Raises as :meth:`NoteModel.check`."""
        self._model.check(model_name, version)
        return {
            "name": model_name,
            "versions": self._model.versions,
            "platform": PLATFORM,
            "inputs": self._model.get_input_types(),
            "outputs": self._model.get_output_types(),
        }


class NoteEndpoints(V2Endpoints):  # type: ignore[misc]
    """KServe's v2 GET routes, with versions and without the names that a caller asked for in the errors."""

    async def ready(self) -> Any:
        if not await self.dataplane.ready():
            _not_ready()
        return await super().ready()

    async def model_metadata(self, model_name: str, model_version: str | None = None) -> Any:
        return ModelMetadataResponse.model_validate(await self.dataplane.model_metadata(model_name, model_version or ""))

    async def model_ready(self, model_name: str, model_version: str | None = None) -> Any:
        if not await self.dataplane.model_ready(model_name, version=model_version or ""):
            _not_ready()
        return ModelReadyResponse(name=model_name, ready=True)


def add_routes(app: FastAPI, data_plane: NoteDataPlane) -> None:
    """Add every route that is not inference.

    The model repository's are left out: they need no credentials, and unload the model for good.
    """
    endpoints = NoteEndpoints(data_plane)
    routes = {
        "/": data_plane.live,
        "/v1/models": endpoints.models,
        "/v1/models/{model_name}": endpoints.model_ready,
        "/v2": endpoints.metadata,
        "/v2/health/live": endpoints.live,
        "/v2/health/ready": endpoints.ready,
        "/v2/models": endpoints.models,
        "/v2/models/{model_name}": endpoints.model_metadata,
        "/v2/models/{model_name}/ready": endpoints.model_ready,
        "/v2/models/{model_name}/versions/{model_version}": endpoints.model_metadata,
        "/v2/models/{model_name}/versions/{model_version}/ready": endpoints.model_ready,
    }
    for path, endpoint in routes.items():
        app.add_api_route(path, endpoint, methods=["GET"], response_model=None, response_class=JSONResponse)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error as ``{"error": message}``, by the table of ``serving.errors``."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        failure = failure_of(error)
        return JSONResponse({"error": failure.message}, failure.status.http)

    async def answer_http(_: Request, error: Exception) -> JSONResponse:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return JSONResponse({"error": "no such route" if status == 404 else "not allowed here"}, status)

    app.add_exception_handler(HTTPException, answer_http)
    for kind in (Exception, clinical_ner.errors.ClinicalNerError):
        app.add_exception_handler(kind, answer)


def _not_ready() -> NoReturn:
    raise ModelNotReady("the model is being loaded, or the server is shutting down")
