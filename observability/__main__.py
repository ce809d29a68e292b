"""``python -m observability``: write manifests/monitoring's rules and dashboards anew."""

import argparse
from pathlib import Path

from observability.files import generate
from observability.rules import RUNBOOKS

OUTPUT = Path(__file__).parents[1] / "manifests" / "monitoring"


def main() -> None:
    """Files that are generated no longer are removed; kustomization.yaml beside them is written by hand."""
    parser = argparse.ArgumentParser(prog="python -m observability", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of rules/ and dashboards/")
    parser.add_argument("--runbooks", default=RUNBOOKS, help="address under which docs/runbooks is published")
    given = parser.parse_args()
    files = generate(given.runbooks)
    for path, data in files.items():
        target = given.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for folder in ("rules", "dashboards"):
        for old in (given.output / folder).iterdir():
            if old.name != "kustomization.yaml" and f"{folder}/{old.name}" not in files:
                old.unlink()
    print(f"{len(files)} files below {given.output}")


if __name__ == "__main__":
    main()
