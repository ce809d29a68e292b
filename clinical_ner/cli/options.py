"""Options that several commands share."""

import getpass
import os
from typing import Annotated

import typer

from clinical_ner.registry import Registry
from clinical_ner.settings import Settings
from clinical_ner.storage import open_storage


def user_name() -> str:
    """The name of whoever runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the user id often has no name.
        return f"uid {os.getuid()}"


RegistryUri = Annotated[
    str,
    typer.Option(
        "--registry-uri",
        help="Where datasets and models lie: a path, a file:// or an s3:// URI.",
        default_factory=lambda: Settings().registry_uri,
        show_default="CLINICAL_NER_REGISTRY_URI, or registry/ here",
    ),
]
ModelName = Annotated[str, typer.Option("--name", help="The model's name.")]
Actor = Annotated[
    str,
    typer.Option(
        "--actor", help="Who decides; kept with the decision.", default_factory=user_name, show_default="your user name"
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]

DEFAULT_NAME = "clinical-ner"


def open_registry(uri: str) -> Registry:
    """The registry at ``uri``; raises ConfigError for an unknown scheme."""
    return Registry(open_storage(uri))
