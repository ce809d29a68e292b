"""Compiling a pipeline to the file that is uploaded, run locally, or applied as Kubernetes objects."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docstring_parser import parse as parse_docstring
from kfp import compiler, dsl
from kfp.compiler.compiler_utils import KubernetesManifestOptions
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.pipeline_context import Pipeline

from clinical_ner import __version__
from clinical_ner.digests import digest_of
from pipelines.definitions import TRAINING, Definition
from pipelines.parameters import with_defaults
from pipelines.platform import Platform


def build(definition: Definition, platform: Platform) -> BaseComponent:
    """The pipeline with the platform's choices on every task, and a description that holds the parameter guide."""
    function = with_defaults(definition.function, platform.defaults)
    return dsl.pipeline(name=definition.name, display_name=definition.title, description=describe(function))(
        _with_platform(function, platform)
    )


def _with_platform(function: Callable[..., Any], platform: Platform) -> Callable[..., Any]:
    @functools.wraps(function)
    def traced(*parameters: Any) -> Any:
        output = function(*parameters)
        for task in Pipeline.get_default_pipeline().tasks.values():
            platform.apply(task)
        return output

    return traced


def describe(function: Callable[..., Any]) -> str:
    """A pipeline function's summary and a Markdown table of its parameters.

    The KFP run form shows a parameter's name and type only; the description is what its reader has.
    """
    documented = parse_docstring(inspect.getdoc(function) or "")
    meanings = {parameter.arg_name: parameter.description or "" for parameter in documented.params}
    rows = [
        f"| `{name}` | {parameter.annotation.__name__} | `{parameter.default!r}` | {meanings[name]} |"
        for name, parameter in inspect.signature(function).parameters.items()
    ]
    table = "\n".join(["| parameter | type | default | meaning |", "|---|---|---|---|", *rows])
    return f"{documented.short_description}\n\n{table}\n"


def compile_pipeline(
    path: Path,
    platform: Platform | None = None,
    *,
    definition: Definition = TRAINING,
    kubernetes: bool = False,
    namespace: str = "",
) -> None:
    """Write the compiled pipeline; the same choices give the same bytes.

    With ``kubernetes`` a Pipeline and a PipelineVersion object come out, named after the spec's digest, for ``kubectl apply``
    or GitOps; otherwise KFP's own YAML.
    """
    pipeline = build(definition, platform or Platform())
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(
        pipeline,
        str(path),
        kubernetes_manifest_format=kubernetes,
        kubernetes_manifest_options=_manifest_options(definition, pipeline, namespace) if kubernetes else None,
    )


def _manifest_options(definition: Definition, pipeline: BaseComponent, namespace: str) -> KubernetesManifestOptions:
    specs = (pipeline.pipeline_spec, pipeline.platform_spec)
    digest = digest_of(b"".join(spec.SerializeToString(deterministic=True) for spec in specs)).removeprefix("sha256:")
    return KubernetesManifestOptions(
        pipeline_name=definition.name,
        pipeline_display_name=definition.title,
        pipeline_version_name=f"{definition.name}-{__version__.replace('.', '-')}-{digest[:8]}",
        pipeline_version_display_name=f"{__version__} ({digest[:8]})",
        namespace=namespace or None,
        include_pipeline_manifest=True,
    )
