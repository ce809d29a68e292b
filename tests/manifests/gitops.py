"""docs/gitops.md's rules, and the fields that the API server says a manager owns."""

import re
from collections.abc import Iterator

import yaml

from tests.manifests.built import ROOT

PAGE = ROOT / "docs/gitops.md"


def examples() -> list[dict]:
    """The YAML documents that the page shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def application() -> dict:
    """Argo CD's part."""
    return next(each for each in examples() if each["kind"] == "Application")


def ignored_pointers(mode: str) -> set[str]:
    """The JSON pointers that an Application for a service in this mode ignores."""
    (rule,) = (each for each in application()["spec"]["ignoreDifferences"] if each["kind"] == "InferenceService")
    standard_alone = {"/spec/canary", "/spec/predictor/minReplicas"}
    return set(rule["jsonPointers"]) - (standard_alone if mode == "Knative" else set())


def owned_pointers(found: dict, manager: str) -> set[str]:
    """Pointers to the fields below ``spec`` that a manager applied; an item of a list counts as the list."""
    entries = found["metadata"]["managedFields"]
    trees = [
        each["fieldsV1"].get("f:spec", {}) for each in entries if (each["manager"], each["operation"]) == (manager, "Apply")
    ]
    return {f"/spec{path}" for tree in trees for path in leaves(tree)}


def leaves(tree: dict) -> Iterator[str]:
    for name, below in tree.items():
        if name.startswith("f:"):
            yield from (f"/{name.removeprefix('f:')}{rest}" for rest in (set(leaves(below)) or {""}))


def is_below(path: str, pointer: str) -> bool:
    """Whether a pointer reaches a field, itself or by what it lies in."""
    return f"{path}/".startswith(f"{pointer}/")
