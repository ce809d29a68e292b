"""Every parameter of a pipeline as a command-line option of the same name."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from docstring_parser import parse as parse_docstring

from clinical_ner.errors import ConfigError
from pipelines.training import training

Command = Callable[..., None]
Pipeline = Callable[..., Any]


def with_pipeline_parameters(pipeline: Pipeline = training, /, **defaults: object) -> Callable[[Command], Command]:
    """Give a command one option for each pipeline parameter; it receives them as its first argument, ``parameters``.

    ``defaults`` replace the pipeline's own.
    """

    def decorate(command: Command) -> Command:
        pipeline_options = _options(pipeline, defaults)
        own = [*inspect.signature(command).parameters.values()][1:]

        @functools.wraps(command)
        def wrapped(**values: Any) -> None:
            parameters = {option.name: values.pop(option.name) for option in pipeline_options}
            command(parameters, **values)

        signature = [*own, *pipeline_options]
        wrapped.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
        return wrapped

    return decorate


def _options(pipeline: Pipeline, defaults: dict[str, object]) -> list[inspect.Parameter]:
    documented = parse_docstring(inspect.getdoc(pipeline) or "")
    meanings = {parameter.arg_name: parameter.description or "" for parameter in documented.params}
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name, parameter.default),
            annotation=Annotated[
                parameter.annotation, typer.Option(help=meanings[name], rich_help_panel="Pipeline parameters")
            ],
        )
        for name, parameter in inspect.signature(pipeline).parameters.items()
    ]


def default_parameters(pipeline: Pipeline = training, /, **changed: object) -> dict[str, object]:
    """The pipeline's parameters with their defaults, some of them ``changed``."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(pipeline).parameters.items()}
    return {**defaults, **changed}


def with_defaults(pipeline: Pipeline, defaults: Mapping[str, str]) -> Pipeline:
    """The pipeline with other defaults; those of parameters that it does not have are left out."""

    @functools.wraps(pipeline)
    def changed(*values: Any, **named: Any) -> Any:
        return pipeline(*values, **named)

    signature = inspect.signature(pipeline)
    parameters = [each.replace(default=defaults.get(name, each.default)) for name, each in signature.parameters.items()]
    changed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return changed


def parse_defaults(given: Sequence[str], pipelines: Sequence[Pipeline]) -> dict[str, str]:
    """Values by name from ``NAME=VALUE``, for parameters that are texts.

    Raises:
        ConfigError: one is written otherwise, or no pipeline has such a parameter, or it is no text.
    """
    known = {name: each.annotation for pipeline in pipelines for name, each in inspect.signature(pipeline).parameters.items()}
    values = {}
    for name, equals, value in (each.partition("=") for each in given):
        if not equals:
            raise ConfigError(f"default {name!r}: NAME=VALUE is expected")
        if known.get(name) is not str:
            what = "is no text" if name in known else "is a parameter of no pipeline"
            raise ConfigError(f"default {name!r}: it {what}; texts such as registry_uri and rollout_target may be given")
        values[name] = value
    return values
