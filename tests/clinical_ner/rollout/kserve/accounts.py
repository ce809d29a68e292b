"""Accounts with the Roles that an overlay has for them."""

import json
from pathlib import Path

from tests.manifests.built import OVERLAYS, build
from tests.servers.kubernetes import Kubernetes


def account_config(kubernetes: Kubernetes, namespace: str, overlay: str, account: str, folder: Path) -> Path:
    """A kubeconfig of the account, bound to all Roles that speak of it, or to the one of its name."""
    objects = build(OVERLAYS[overlay])
    for each in (each for each in objects if each["kind"] in {"Role", "RoleBinding"} and account in json.dumps(each)):
        kubernetes.apply({**each, **_moved(each, namespace)})
    kubernetes.try_kubectl("-n", namespace, "create", "serviceaccount", account)
    subject = f"--serviceaccount={namespace}:{account}"
    kubernetes.try_kubectl("-n", namespace, "create", "rolebinding", f"{account}-itself", f"--role={account}", subject)
    token = kubernetes.kubectl("-n", namespace, "create", "token", account).strip()
    config = json.loads(kubernetes.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    path = folder / f"kubeconfig-{account}"
    path.write_text(json.dumps(config))
    return path


def _moved(found: dict, namespace: str) -> dict:
    """The parts that name a namespace."""
    moved = {"metadata": {**found["metadata"], "namespace": namespace}}
    subjects = [{**each, "namespace": namespace} for each in found.get("subjects", [])]
    return {**moved, "subjects": subjects} if subjects else moved
