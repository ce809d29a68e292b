"""A model as files: a payload, and a manifest that holds the digest of every payload file.

============== ==========================================================================================
manifest.json  :class:`Manifest`
model.crfsuite the CRF in CRFsuite's native format
labels.json    the entity labels, sorted
lexicon.json   the lower-cased words of the training notes, sorted (they are words of notes: PHI)
features.json  the :class:`~clinical_ner.features.FeatureSpec`
gazetteer.json the terms of the :class:`~clinical_ner.gazetteer.Gazetteer` by class; an empty object without term lists
release/...    metrics, model card, gate report: written at the gate, not part of the digest
============== ==========================================================================================

CRFsuite crashes the process on a damaged file, so :func:`verify` compares every digest before a byte is parsed. There is no
pickle anywhere.
"""

import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from clinical_ner.digests import digest_of, digest_of_files
from clinical_ner.errors import ModelFormatError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
CRF = "model.crfsuite"
LABELS = "labels.json"
LEXICON = "lexicon.json"
FEATURES = "features.json"
GAZETTEER = "gazetteer.json"
PAYLOAD = frozenset({CRF, LABELS, LEXICON, FEATURES, GAZETTEER})
RELEASE = "release/"

ModelFiles = Mapping[str, bytes]
"""A model's files by their path within its folder."""


class Manifest(BaseModel):
    """What a model is and what it was made from. ``version`` is empty until it is registered."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format_version: int = FORMAT_VERSION
    name: str
    version: str = ""
    labels: tuple[str, ...]
    parameters: dict[str, Any]
    """Everything that training was given: CRF parameters, feature groups, split, seed, data parameters."""
    datasets: dict[str, str]
    """Digests of the datasets by their role: ``train``, and ``test`` where one was given apart."""
    library_versions: dict[str, str]
    files: dict[str, str]
    """Digest of every payload file."""
    model_digest: str

    @property
    def served_version(self) -> str:
        """The name under which a server answers: the registered version, else the digest's first 12 hex digits."""
        return self.version or self.model_digest.removeprefix("sha256:")[:12]

    def to_json(self) -> bytes:
        return orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def build_package(payload: ModelFiles, **manifest: Any) -> dict[str, bytes]:
    """All files of a model: ``payload`` with a manifest made of its digests and the remaining :class:`Manifest` fields."""
    files = {path: digest_of(data) for path, data in sorted(payload.items())}
    complete = Manifest(files=files, model_digest=digest_of_files(files), **manifest)
    return {MANIFEST: complete.to_json(), **payload}


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ModelFormatError: it is not JSON, is of a newer format, or lacks a field.
    """
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ModelFormatError(f"{MANIFEST}: not JSON") from error
    version = fields.get("format_version") if isinstance(fields, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFormatError(f"{MANIFEST}: format_version is missing or not a positive integer")
    if version > FORMAT_VERSION:
        raise ModelFormatError(
            f"{MANIFEST}: format_version {version} is newer than {FORMAT_VERSION}, the newest that this release of "
            f"clinical-ner reads; upgrade it, or train the model again with this release"
        )
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        names = ", ".join(sorted({".".join(map(str, problem["loc"])) for problem in error.errors()}))
        raise ModelFormatError(f"{MANIFEST}: missing, unknown or wrong fields: {names}") from None


def verify(files: ModelFiles, *, expected_digest: str | None = None) -> Manifest:
    """Check that ``files`` are the model that their manifest describes, to the bit.

    Files under ``release/`` are not part of the model and are not looked at.

    Raises:
        ModelFormatError: a file is missing, unlisted or changed, the manifest contradicts itself, or the model is not the one
            with ``expected_digest``.
    """
    if MANIFEST not in files:
        raise ModelFormatError(f"{MANIFEST}: missing")
    manifest = parse_manifest(files[MANIFEST])
    payload = {path: data for path, data in files.items() if path != MANIFEST and not path.startswith(RELEASE)}
    for path in sorted({*manifest.files, *PAYLOAD} - set(payload)):
        raise ModelFormatError(f"{path}: missing")
    for path in sorted(set(payload) - set(manifest.files)):
        raise ModelFormatError(f"{path}: not listed in {MANIFEST}")
    for path, data in sorted(payload.items()):
        if digest_of(data) != manifest.files[path]:
            raise ModelFormatError(f"{path}: damaged: its sha256 is not the one in {MANIFEST} ({len(data):,} bytes)")
    if digest_of_files(manifest.files) != manifest.model_digest:
        raise ModelFormatError(f"{MANIFEST}: model_digest does not follow from the files' digests")
    if expected_digest and expected_digest != manifest.model_digest:
        raise ModelFormatError(f"model_digest is {manifest.model_digest}, expected was {expected_digest}")
    return manifest


def read_model_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a model's folder; what they hold is not looked at.

    Raises:
        ModelFormatError: the folder holds no manifest or cannot be read.
    """
    try:
        if not (folder / MANIFEST).is_file():
            raise ModelFormatError(f"{folder}: no model here ({MANIFEST} is missing)")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    except OSError as error:
        raise ModelFormatError(f"{folder}: {error.strerror}") from error


def write_model_folder(files: ModelFiles, folder: Path) -> None:
    """Write a model's files, the manifest last: a folder without one is not a model."""
    for path in sorted(files, key=lambda path: (path == MANIFEST, path)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])


def pack(files: ModelFiles) -> bytes:
    """One reproducible tar file of a model (a pipeline artifact of several files cannot be previewed)."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size = len(files[path])
            archive.addfile(member, BytesIO(files[path]))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files that :func:`pack` put together; nothing is written to disk.

    Raises:
        ModelFormatError: ``data`` is no such tar file.
    """
    files = {}
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:") as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise ModelFormatError("model archive: damaged: a member is no regular file")
                files[member.name] = content.read()
    except (tarfile.TarError, OSError, ValueError) as error:
        raise ModelFormatError("model archive: damaged, not a tar file") from error
    return files
