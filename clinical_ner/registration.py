"""Writing a model version into its folder so that it is complete or not there.

A version's number is claimed by creating its registration, which holds the digest of every file to come. The payload follows,
and the manifest last: a folder without one is no version. Whoever registers the same files again, after a crash or at the same
time, finds the claim and completes that folder instead of making another.
"""

from collections.abc import Iterable, Mapping
from itertools import count

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from clinical_ner import model_package
from clinical_ner.digests import digest_of
from clinical_ner.errors import AlreadyExists, ModelFormatError, NotFound
from clinical_ner.model_package import MANIFEST, RELEASE, Manifest, ModelFiles
from clinical_ner.storage import Storage
from clinical_ner.version_states import Cause, States

REGISTRATION = RELEASE + "registration.json"


class Registration(BaseModel):
    """Who registered a version, when and why, and the digest of each of its files but this one."""

    model_config = ConfigDict(frozen=True)

    actor: str
    time: AwareDatetime
    reason: str
    files: dict[str, str]

    def to_json(self) -> bytes:
        options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=options)


def read_registration(storage: Storage, folder: str) -> Registration:
    """The registration in a version's folder.

    Raises:
        NotFound: there is none.
        ModelFormatError: it is damaged.
    """
    key = f"{folder}/{REGISTRATION}"
    try:
        return Registration.model_validate_json(storage.read(key))
    except ValidationError as error:
        raise ModelFormatError(f"{key}: damaged: not a registration") from error


def number_of(version: str) -> int:
    """The number in ``v12``; 0 for what is not a version's name."""
    digits = version.removeprefix("v")
    return int(digits) if version == f"v{digits}" and digits.isascii() and digits.isdigit() and digits[0] != "0" else 0


def write_version(storage: Storage, model_folder: str, files: ModelFiles, cause: Cause, states: States) -> str:
    """Write a model as the next version below ``model_folder``, or find or complete the one that already holds these files.

    A number that ``states`` know is never claimed again, though its folder be gone. The manifest is written with its
    ``version`` set.

    Raises:
        ModelFormatError: ``files`` are not a sound model, or the version that holds them is damaged.
        ConfigError: the cause lacks an actor or a reason.
    """
    manifest = model_package.verify(files)
    cause.check()
    claimed = _claimed(storage.list(f"{model_folder}/"), model_folder)
    # A pruned version may still have its claim, when the pruning was killed.
    closed = {*states.pruned, *({change.version for change in states.changes} - claimed)}
    for version in (f"v{number}" for number in count(1)):
        if version in closed:
            continue
        folder = f"{model_folder}/{version}"
        versioned = _with_version(files, manifest, version)
        registration = Registration(files=_digests(versioned), **cause._asdict())
        new = version not in claimed and _claim(storage, folder, registration)
        if new or _holds(storage, folder, registration.files):
            break
    _complete(storage, folder, versioned)
    return version


def _claimed(keys: Iterable[str], model_folder: str) -> set[str]:
    relative = (key.removeprefix(f"{model_folder}/").partition("/") for key in keys)
    return {version for version, _, path in relative if path == REGISTRATION and number_of(version)}


def _with_version(files: ModelFiles, manifest: Manifest, version: str) -> dict[str, bytes]:
    # The registration of another registry, or of an earlier version of the same model, does not come along.
    kept = {path: data for path, data in files.items() if path != REGISTRATION}
    return {**kept, MANIFEST: manifest.model_copy(update={"version": version}).to_json()}


def _digests(files: ModelFiles) -> dict[str, str]:
    return {path: digest_of(data) for path, data in files.items()}


def _claim(storage: Storage, folder: str, registration: Registration) -> bool:
    try:
        storage.create(f"{folder}/{REGISTRATION}", registration.to_json())
    except AlreadyExists:
        return False
    return True


def _holds(storage: Storage, folder: str, digests: Mapping[str, str]) -> bool:
    try:
        return read_registration(storage, folder).files == digests
    except (NotFound, ModelFormatError):
        # Pruned a moment ago, or damaged: in neither case the place for another model.
        return False


def _complete(storage: Storage, folder: str, files: ModelFiles) -> None:
    for path in sorted(files, key=lambda path: (path == MANIFEST, path)):
        key = f"{folder}/{path}"
        try:
            storage.create(key, files[path])
        except AlreadyExists:
            if storage.read(key) != files[path]:
                raise ModelFormatError(f"{key}: damaged: it is not what was registered; restore it from a backup") from None
