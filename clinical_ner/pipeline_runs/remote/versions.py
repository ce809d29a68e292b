"""The pipeline version of a compiled file: found by the file's digest, uploaded when it is new."""

from dataclasses import dataclass
from typing import Any

import kfp_server_api
import orjson
from kfp_server_api import ApiException

from clinical_ner import __version__
from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote.endpoint import Endpoint, status_of
from clinical_ner.pipeline_runs.remote.package import Package

DIGEST_TAG = "digest"
DIGEST_CHARACTERS = 40
"""Of the sha256 in hex, which has 64: KFP allows 63 characters in a tag's value."""


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """Where a compiled file lies at the endpoint; ``uploaded`` tells whether this submission brought it."""

    pipeline_id: str
    version_id: str
    name: str
    uploaded: bool


def find_or_upload(endpoint: Endpoint, package: Package, namespace: str) -> PipelineVersion:
    """The version whose digest tag is that of ``package``; the same file is uploaded once, whoever asks and how often.

    The description goes along, since API and UI ignore the one in the spec.

    Raises:
        PipelineRunError: the endpoint refused, failed or could not be reached.
    """
    pipeline_id = _find_pipeline(endpoint, package, namespace) or _create_pipeline(endpoint, package, namespace)
    if found := _find_version(endpoint, package, pipeline_id):
        return found
    name = version_name(package)
    with endpoint.reporting(f"upload version {name} of pipeline {package.name}"):
        try:
            version = endpoint.uploads.upload_pipeline_version(
                str(package.path),
                name=name,
                pipelineid=pipeline_id,
                description=package.description,
                tags=orjson.dumps({DIGEST_TAG: package.digest[:DIGEST_CHARACTERS]}).decode(),
                _request_timeout=endpoint.timeout,
            )
            return PipelineVersion(pipeline_id, _identified(version.pipeline_version_id, endpoint), name, uploaded=True)
        except ApiException as error:
            # 409: another submission of the same file was faster.
            if status_of(error) == 409 and (found := _find_version(endpoint, package, pipeline_id)):
                return found
            raise


def version_name(package: Package) -> str:
    """Code version and digest: one name for one file, valid as a Kubernetes name too."""
    return f"{__version__}-{package.digest[:12]}".lower()


def equals_filter(key: str, value: str) -> str:
    """KFP's filter for items whose ``key`` is ``value``."""
    return orjson.dumps({"predicates": [{"operation": "EQUALS", "key": key, "stringValue": value}]}).decode()


def _find_pipeline(endpoint: Endpoint, package: Package, namespace: str) -> str | None:
    with endpoint.reporting(f"look up pipeline {package.name}"):
        reply = endpoint.pipelines.pipeline_service_list_pipelines(
            namespace=namespace, filter=equals_filter("name", package.name), _request_timeout=endpoint.timeout
        )
    return next((str(pipeline.pipeline_id) for pipeline in reply.pipelines or []), None)


def _create_pipeline(endpoint: Endpoint, package: Package, namespace: str) -> str:
    """An empty pipeline: uploading pipeline and first version in one gives that version no tag."""
    body = kfp_server_api.V2beta1Pipeline(
        name=package.name, display_name=package.name, description=package.description, namespace=namespace or None
    )
    with endpoint.reporting(f"create pipeline {package.name}"):
        try:
            created: Any = endpoint.pipelines.pipeline_service_create_pipeline(body, _request_timeout=endpoint.timeout)
            return _identified(created.pipeline_id, endpoint)
        except ApiException as error:
            if status_of(error) == 409 and (found := _find_pipeline(endpoint, package, namespace)):
                return found
            raise


def _find_version(endpoint: Endpoint, package: Package, pipeline_id: str) -> PipelineVersion | None:
    with endpoint.reporting(f"list the versions of pipeline {package.name}"):
        reply = endpoint.pipelines.pipeline_service_list_pipeline_versions(
            pipeline_id,
            filter=equals_filter(f"tags.{DIGEST_TAG}", package.digest[:DIGEST_CHARACTERS]),
            _request_timeout=endpoint.timeout,
        )
    for version in reply.pipeline_versions or []:
        return PipelineVersion(pipeline_id, str(version.pipeline_version_id), str(version.display_name), uploaded=False)
    return None


def _identified(identity: str | None, endpoint: Endpoint) -> str:
    """The generated client reads any reply of status 200 without complaint, a login page too; such a reply has no id."""
    if not identity:
        raise PipelineRunError(
            f"{endpoint.host} does not answer like a KFP API. Check the address, and whether it wants a login"
        )
    return identity
