"""The server on a machine where Presidio is not installed."""

import sys
from importlib.abc import MetaPathFinder

from serving.__main__ import main


class NoPresidio(MetaPathFinder):
    """Fails as Python does where a package is not there."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] == "presidio_analyzer":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, NoPresidio())
    sys.exit(main())
