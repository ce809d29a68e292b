"""KServe's model server around one model: loaded in the background, drained before it stops."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi.responses import PlainTextResponse
from grpc import aio
from kserve import ModelServer  # type: ignore[import-untyped]
from kserve.model_server import app as kserve_app  # type: ignore[import-untyped]
from kserve.protocol.grpc.server import GRPCServer  # type: ignore[import-untyped]
from kserve.protocol.rest.server import RESTServer, metrics_handler  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry

from clinical_ner.errors import ClinicalNerError, ConfigError
from serving.data_plane import NoteDataPlane, add_error_handlers, add_routes
from serving.errors import failure_of
from serving.grpc_service import GrpcTransport
from serving.inference import Annotator
from serving.metrics import ServingMetrics
from serving.model import NoteModel
from serving.request_log import RequestLog, open_request_log
from serving.rest import RestTransport
from serving.review import RequestReview, open_review
from serving.settings import ServingSettings
from serving.tagging import NoteTagger

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

DRAINED_WITHIN = 0.8
"""gRPC connections live for this part of the drain (gRPC adds up to a tenth), then finish their calls elsewhere: a balancer of
connections cannot take one away from a server that drains, and a server that shuts down cancels calls that arrive just then.
"""

log = structlog.get_logger("serving")


class _UvicornServer(uvicorn.Server):
    """Leaves signals alone: uvicorn would stop at once, in front of callers who still think that the server is ready."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Raises ConfigError where uvicorn ends the process: the port cannot be had."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise ConfigError(f"--http-port: cannot listen at {self.config.host}:{self.config.port}") from None


class NoteRestServer(RESTServer):  # type: ignore[misc]
    """KServe's REST server with its inference routes replaced, and without its timing middleware."""

    def __init__(self, settings: ServingSettings, data_plane: NoteDataPlane, transport: RestTransport) -> None:
        super().__init__(transport, data_plane, None, settings.http_port, grace_period=settings.grace_seconds)
        self.config.host = settings.host
        self.config.access_log = False
        self.config.server_header = False
        self._server = _UvicornServer(self.config)

    @property
    def started(self) -> bool:
        return self._server.started

    def stop(self) -> None:
        """Close the port and idle connections; :meth:`start` returns when requests in flight are answered."""
        self._server.should_exit = True

    def _register_endpoints(self, app: Any) -> None:
        app.add_api_route("/metrics", metrics_handler, methods=["GET"], response_class=PlainTextResponse)
        add_routes(app, self.dataplane)

    def _add_exception_handlers(self, app: Any) -> None:
        add_error_handlers(app)

    def _add_middlewares(self, app: Any) -> None:
        """None: KServe's writes a log line a request, with the path."""


class NoteGrpcServer(GRPCServer):  # type: ignore[misc]
    """KServe's gRPC server with our service, on our address, and with the limit on a message's size."""

    def __init__(self, settings: ServingSettings, data_plane: NoteDataPlane, transport: GrpcTransport) -> None:
        super().__init__(settings.grpc_port, data_plane, None, {}, grace_period=settings.grace_seconds)
        self._address = f"{settings.host}:{settings.grpc_port}"
        self._limit = settings.max_body_bytes
        self._connection_seconds = settings.drain_seconds * DRAINED_WITHIN
        self._transport = transport

    async def start(self, max_workers: int) -> None:
        """Serve until :meth:`stop`; raises ConfigError where the port cannot be had."""
        options = [
            ("grpc.max_receive_message_length", self._limit),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # or a second server shares the port silently
        ]
        if self._connection_seconds:
            options.append(("grpc.max_connection_age_ms", int(self._connection_seconds * 1000)))
        self._server = aio.server(futures.ThreadPoolExecutor(max_workers=max_workers), options=options)
        self._server.add_generic_rpc_handlers((self._transport.handler(),))
        try:
            self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise ConfigError(f"--grpc-port: cannot listen at {self._address}") from error
        await self._server.start()
        await self._server.wait_for_termination()


class NoteServer(ModelServer):  # type: ignore[misc]
    """Opens its ports, then loads the model by ``load``; stops on SIGTERM without failing a call.

    Metrics go to ``registry``; KServe's ``/metrics`` route shows the global one.
    """

    def __init__(self, settings: ServingSettings, load: Callable[[], NoteTagger], registry: CollectorRegistry) -> None:
        super().__init__(http_port=settings.http_port, grpc_port=settings.grpc_port, workers=1, max_threads=1)
        self._settings = settings
        self._load = load
        self._registry = registry
        self._request_log: RequestLog | None = None
        self._review: RequestReview | None = None
        self._grace_ends = 0.0
        self._metrics = ServingMetrics(registry)
        self._model = NoteModel(settings, settings.inline_bytes)
        self._failed = False
        self._stopping: asyncio.Task[None] | None = None
        self.dataplane = NoteDataPlane(self.registered_models, self._model)
        self._rest_server = NoteRestServer(settings, self.dataplane, RestTransport(kserve_app, self._model, self._metrics))
        self._grpc_server = NoteGrpcServer(settings, self.dataplane, GrpcTransport(self._model, self.dataplane, self._metrics))

    def run(self) -> int:
        """Serve until stopped; the exit status is 1 if a port or the model could not be had, else 0."""
        try:
            uvloop.run(self._serve())
        except ConfigError as error:
            log.error("not_started", reason=str(error))  # noqa: TRY400  # no traceback
            return 1
        return int(self._failed)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self.default_exception_handler)
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop, number)
        loading = asyncio.create_task(self._load_model())
        await asyncio.gather(self._rest_server.start(), self._grpc_server.start(self.max_threads))
        loading.cancel()
        # A second or more even when requests in flight took all the grace: the store usually needs less.
        seconds = max(1.0, self._grace_ends - loop.time())
        open_still = [each for each in (self._request_log, self._review) if each is not None]
        await asyncio.gather(*(asyncio.to_thread(each.close, seconds) for each in open_still))

    async def _load_model(self) -> None:
        while not self._rest_server.started:
            await asyncio.sleep(0.01)
        log.info("listening", http_port=self.http_port, grpc_port=self.grpc_port)
        event = "model_not_loaded"
        try:
            tagger = await asyncio.to_thread(self._load)
            event = "inference_log_not_opened"
            self._request_log = await asyncio.to_thread(open_request_log, self._settings, tagger.manifest, self._registry)
            event = "review_samples_not_opened"
            self._review = await asyncio.to_thread(open_review, self._settings, tagger.manifest, self._registry)
        except Exception as error:  # noqa: BLE001  # any: a server without its model, or what it was told to keep, must not stay
            await self._give_up(event, error)
            return
        # What is loaded stays: without this a full garbage collection now and then walks all of it, within a request.
        gc.freeze()
        self._model.adopt(Annotator(tagger, self._metrics, self._request_log, self._review))
        self.registered_models.update(self._model)
        log.info("ready", model=self._model.name, version=self._model.versions[0], digest=tagger.manifest.model_digest)

    async def _give_up(self, event: str, error: Exception) -> None:
        reason = str(error) if isinstance(error, ClinicalNerError) else failure_of(error).message
        log.error(event, type=type(error).__name__, reason=reason)
        self._failed = True
        await self._shut_down(drain_seconds=0)

    def stop(self, sig: int) -> None:
        """Begin to drain; the second signal ends the draining."""
        log.info("stopping", signal=signal.Signals(sig).name)
        if self._stopping is not None:
            self._stopping.cancel()
        drain_seconds = self._settings.drain_seconds if self._stopping is None else 0
        self._stopping = asyncio.create_task(self._shut_down(drain_seconds))

    async def _shut_down(self, drain_seconds: float) -> None:
        """Say "not ready" for ``drain_seconds`` while answering as ever, then close the ports and finish what is in flight."""
        self._model.drain()
        await asyncio.sleep(drain_seconds)
        self._grace_ends = asyncio.get_running_loop().time() + self._settings.grace_seconds
        self._rest_server.stop()
        await self._grpc_server.stop()

    def default_exception_handler(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # noqa: ARG002
        """Log what happened outside any request, without its message."""
        error = context.get("exception")
        if error is not None:
            failure_of(error)
