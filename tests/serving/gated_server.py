"""The server, but its model loads only once the file named by ``GATE`` exists: makes the time before readiness observable."""

import os
import sys
import time
from pathlib import Path

from prometheus_client import REGISTRY
from pydantic_settings import CliApp

from serving import logs
from serving.server import NoteServer
from serving.settings import ServingSettings
from serving.tagging import NoteTagger, load_tagger


def main() -> int:
    settings = CliApp.run(ServingSettings)
    logs.configure(settings.log_level)

    def load() -> NoteTagger:
        while not Path(os.environ["GATE"]).exists():
            time.sleep(0.02)
        return load_tagger(settings.model_dir, settings.model_digest)

    return NoteServer(settings, load, REGISTRY).run()


if __name__ == "__main__":
    sys.exit(main())
