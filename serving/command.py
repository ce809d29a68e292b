"""The command line of the server: its options, then the server itself."""

import sys
from functools import partial

from pydantic import ValidationError
from pydantic_settings import CliApp

from serving import logs
from serving.settings import ServingSettings
from serving.tagging import load_tagger


def serve() -> int:
    """Serve until stopped; the exit status is 0, 1 if a port or the model could not be had, 2 for a wrong option."""
    try:
        settings = CliApp.run(ServingSettings)
    except ValidationError as error:
        for problem in error.errors():
            option = "-".join(map(str, problem["loc"])).replace("_", "-")
            sys.stderr.write(f"python -m serving: --{option}: {problem['msg']}\n")
        return 2
    logs.configure(settings.log_level)
    # KServe takes seconds to import: not for --help, nor for a wrong option.
    from prometheus_client import REGISTRY

    from serving.server import NoteServer

    return NoteServer(settings, partial(load_tagger, settings.model_dir, settings.model_digest), REGISTRY).run()
