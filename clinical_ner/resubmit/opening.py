"""From settings to a backend."""

from pathlib import Path

from clinical_ner.resubmit.backends import Backend


def open_backend(
    package: Path, *, host: str, token: str = "", namespace: str = "", runs: Path = Path("runs"), allow_file_uris: bool = False
) -> Backend:
    """The KFP API at ``host``, or with an empty one this machine, where runs go below the folder ``runs``."""
    if not host:
        from clinical_ner.resubmit.local_backend import LocalBackend

        return LocalBackend(package, runs)
    from clinical_ner.pipeline_runs.remote import SubmitOptions  # brings the Kubernetes client
    from clinical_ner.resubmit.kfp_backend import KfpBackend

    return KfpBackend(package, SubmitOptions(host=host, token=token, namespace=namespace, allow_file_uris=allow_file_uris))
