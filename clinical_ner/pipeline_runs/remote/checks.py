"""What is refused before anything is sent: the KFP API accepts all of this and the run fails, or leaks, an hour later."""

import json
import math
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from clinical_ner.errors import ConfigError
from clinical_ner.pipeline_runs.remote.package import Package, Parameter
from clinical_ner.rollout.plan_source import is_address
from clinical_ner.stages.training_parameters import check_training_parameters

MAX_PARAMETER_BYTES = 100_000
"""A string of 100 kB arrives; one of 200 kB is accepted by the API and fails later without a word."""

URI_PARAMETERS = (
    "corpus_uri",
    "test_corpus_uri",
    "params_uri",
    "gazetteer_uris",
    "registry_uri",
    "log_uri",
    "samples_uri",
    "corrections_uri",
    "reviewed_uri",
    "evidently_workspace",
    "rollout_plan",
)
TRAINING_ONLY = "rollout_wait_minutes"
"""A parameter by which the training pipeline is known, whatever name it was compiled under."""

_INNER_PASSWORD = re.compile(r"://[^\s/:@\"']*:[^\s/@\"']+@")
"""A URL with a password within a longer value, such as the JSON of a monitoring run's ``training_parameters``."""
_PASSWORD_OPTIONS = frozenset({"password", "passwd", "pwd", "sslpassword"})
_TYPES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "STRING": ("text", lambda value: isinstance(value, str)),
    "BOOLEAN": ("true or false", lambda value: isinstance(value, bool)),
    "NUMBER_INTEGER": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "NUMBER_DOUBLE": (
        "a finite number",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
    ),
    "LIST": ("a list", lambda value: isinstance(value, list)),
    "STRUCT": ("a mapping", lambda value: isinstance(value, dict)),
}


def check_arguments(package: Package, arguments: Mapping[str, object], *, allow_file_uris: bool = False) -> None:
    """Refuse arguments that the pipeline does not have or cannot use on a cluster. No message holds a string's value.

    ``allow_file_uris`` is for clusters where every pod mounts the same folder.

    Raises:
        ConfigError: a parameter is unknown, missing, of the wrong type or too large; a URI names a disk that pods do not
            share; several tuning workers have no study in common; a monitor would train in its own pod; a URL carries a
            password; a stage of the training pipeline would refuse a value.
    """
    check_some(package, arguments)
    _check_complete(package, arguments)
    effective = {**_defaults(package), **arguments}
    _check_passwords(effective)
    _check_study(effective)
    _check_training_host(effective)
    if not allow_file_uris:
        _check_uris(effective)


def check_some(package: Package, arguments: Mapping[str, object]) -> None:
    """Refuse what is wrong with these arguments beside the defaults; others may be given later.

    Raises:
        ConfigError: a parameter is unknown, of the wrong type or too large, a URL carries a password, or a stage of the
            training pipeline would refuse a value.
    """
    if unknown := sorted(arguments.keys() - package.parameters.keys()):
        raise ConfigError(
            f"{package.name} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(package.parameters))}"
        )
    for name, value in arguments.items():
        _check_value(name, value, package.parameters[name])
    _check_passwords(arguments)
    if TRAINING_ONLY in package.parameters:
        check_training_parameters({**_defaults(package), **arguments}, read_plan=False)


def _defaults(package: Package) -> dict[str, object]:
    return {name: parameter.default for name, parameter in package.parameters.items()}


def _check_complete(package: Package, arguments: Mapping[str, object]) -> None:
    required = {name for name, parameter in package.parameters.items() if parameter.required}
    if missing := sorted(required - arguments.keys()):
        raise ConfigError(f"{package.name} needs a value for {', '.join(missing)}")


def _check_value(name: str, value: object, parameter: Parameter) -> None:
    described, fits = _TYPES.get(parameter.type, ("a value", lambda _: True))
    if not fits(value):
        # The API takes 1.5 for a whole number, and the code gets it.
        raise ConfigError(f"parameter {name} must be {described}, got {type(value).__name__}")
    size = len((value if isinstance(value, str) else json.dumps(value)).encode())
    if size > MAX_PARAMETER_BYTES:
        raise ConfigError(
            f"parameter {name} has {size} bytes, more than {MAX_PARAMETER_BYTES}: store it and pass a URI instead"
        )


def _check_passwords(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, str) and _holds_password(value):
            raise ConfigError(
                f"parameter {name} holds a password, which KFP would store and show with the run: leave it out and give it "
                "to the steps by a Secret (compile --study-secret for the study's database)"
            )


def _holds_password(value: str) -> bool:
    if _INNER_PASSWORD.search(value):
        return True
    try:
        url = urlsplit(value)
        return bool(url.password) or bool(_PASSWORD_OPTIONS & {option.lower() for option in parse_qs(url.query)})
    except ValueError:  # not a URL
        return False


def _check_study(values: Mapping[str, object]) -> None:
    workers, storage = values.get("tuning_workers", 1), str(values.get("study_storage") or "")
    if not isinstance(workers, int | float) or workers <= 1:
        return
    from clinical_ner.tuning import is_shared_between_pods  # brings Optuna and spaCy, seconds that most submissions save

    if not is_shared_between_pods(storage):
        kind = f"a {storage.partition(':')[0]} file" if storage else "the memory of one step"
        raise ConfigError(
            f"tuning_workers={workers:g} needs one study for all workers, but study_storage is {kind}, which pods on a "
            "cluster do not share: give a database URL (postgresql+psycopg://USER@HOST/DATABASE) or tuning_workers=1"
        )


def _check_training_host(values: Mapping[str, object]) -> None:
    if values.get("mode") == "auto" and values.get("kfp_host") == "":
        raise ConfigError(
            "mode=auto without kfp_host would train inside the pod of the resubmit step and end with it: give kfp_host, the "
            "address of the KFP API as pods reach it"
        )


def _check_uris(values: Mapping[str, object]) -> None:
    for name in URI_PARAMETERS:
        text = str(values.get(name) or "")
        if name == "rollout_plan" and not is_address(text):
            continue
        for part in text.split(","):
            uri = part.partition("=")[2] if name == "gazetteer_uris" else part
            if uri.strip() and is_local(uri.strip()):
                raise ConfigError(
                    f"{name} names a file of one machine, and the steps run in pods that share no disk: put it under s3://, "
                    "or pass --allow-file-uris when every pod mounts that folder"
                )


def is_local(uri: str) -> bool:
    """True for ``file://`` and for paths; ``s3://``, ``dataset://`` and ``synthetic://`` are not."""
    scheme, separator, _ = uri.partition("://")
    return not separator or scheme.lower() == "file"
