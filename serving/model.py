"""The served model as KServe sees it: its readiness, its signature, and one thread that tags."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kserve import Model  # type: ignore[import-untyped]

from clinical_ner.errors import ModelNotReady
from serving import v1
from serving.inference import Annotator, InferenceReply, InferenceRequest
from serving.settings import Limits
from serving.tensors import INPUT_METADATA, OUTPUT_METADATA


class NoteModel(Model):  # type: ignore[misc]
    """A model that is not ready until :meth:`adopt` gives it an :class:`Annotator`, nor after :meth:`drain`.

    ``name`` is the manifest's, empty until then. Tagging happens in one thread at a time (a tagger is not thread-safe, and
    Python would not run two at once): in the model's own thread, so that the event loop goes on answering probes, or on the
    event loop itself when that thread is idle and the text is no longer than ``inline_bytes``.
    """

    def __init__(self, limits: Limits, inline_bytes: int) -> None:
        super().__init__("")
        self.limits = limits
        self.draining = False
        self._inline_bytes = inline_bytes
        self._annotator: Annotator | None = None
        self._thread = ThreadPoolExecutor(1, "tagging")
        self._handed_over: set[Future[InferenceReply]] = set()

    @property
    def versions(self) -> list[str]:
        return [self._annotator.version] if self._annotator else []

    def adopt(self, annotator: Annotator) -> None:
        """Answer with ``annotator`` from now on, and say that the model is ready."""
        self._annotator = annotator
        self.name = annotator.name
        self.ready = True

    def drain(self) -> None:
        """Say that the model is not ready; requests that come nevertheless are answered."""
        self.draining = True
        self.ready = False

    def check(self, name: str, version: str = "") -> Annotator:
        """The annotator that answers for ``name`` and ``version`` (empty: any).

        Raises:
            ModelNotReady: the model is still being loaded.
            UnknownModel: it is another one.
        """
        if self._annotator is None:
            raise ModelNotReady("the model is being verified and loaded")
        self._annotator.check(name, version)
        return self._annotator

    async def infer(self, request: InferenceRequest) -> InferenceReply:
        """Answer a request without holding up the event loop for longer than ``inline_bytes`` of text take."""
        annotator = self.check(self.name)
        if not self._handed_over and not request.explain and sum(map(len, request.texts)) <= self._inline_bytes:
            return annotator.answer(request)
        future = self._thread.submit(annotator.answer, request)
        self._handed_over.add(future)
        # Not when the caller stops to wait: a thread cannot be cancelled, and goes on tagging for nobody.
        future.add_done_callback(self._handed_over.discard)
        return await asyncio.wrap_future(future)

    async def predict(self, payload: dict[str, Any], headers: Any = None, response_headers: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """A v1 request's object in, its reply's object out."""
        return await self._answer_v1(payload, explain=False)

    async def explain(self, payload: dict[str, Any], headers: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """As :meth:`predict`, with the features that spoke for each entity."""
        return await self._answer_v1(payload, explain=True)

    def get_input_types(self) -> list[dict[str, Any]]:
        return INPUT_METADATA

    def get_output_types(self) -> list[dict[str, Any]]:
        return OUTPUT_METADATA

    async def _answer_v1(self, payload: dict[str, Any], *, explain: bool) -> dict[str, Any]:
        reply = await self.infer(v1.read_request(payload, self.limits, explain=explain))
        return v1.reply_fields(reply, explain=explain)
