import random

import orjson
import pytest

from clinical_ner import model_package
from clinical_ner.digests import digest_of, digest_of_files
from clinical_ner.errors import ModelFormatError
from clinical_ner.model_package import (
    CRF,
    FORMAT_VERSION,
    LABELS,
    MANIFEST,
    PAYLOAD,
    build_package,
    parse_manifest,
    verify,
)
from clinical_ner.tagger import Tagger
from tests.clinical_ner.small_package import flipped, small_package

FLIPS = 400


def with_manifest(package, /, **changes):
    return {**package, MANIFEST: orjson.dumps({**orjson.loads(package[MANIFEST]), **changes})}


@pytest.mark.parametrize("path", sorted(PAYLOAD))
def test_flipped_bit_is_refused_before_anything_is_parsed(model_files, path):
    """One changed bit anywhere in a payload file names that file; CRFsuite would crash the process on some of them."""
    data, dice = model_files[path], random.Random(path)
    for position in [0, 8 * len(data) - 1, *(dice.randrange(8 * len(data)) for _ in range(FLIPS))]:
        with pytest.raises(ModelFormatError, match=f"^{path}: damaged"):
            Tagger.from_files({**model_files, path: flipped(data, position)})


@pytest.mark.parametrize("path", sorted(PAYLOAD))
def test_truncated_or_longer_file_is_refused_by_name(model_files, path):
    """So is a file cut at any length, an empty one, and one with bytes behind its end."""
    data, dice = model_files[path], random.Random(path)
    lengths = [0, 1, len(data) - 1, *(dice.randrange(len(data)) for _ in range(FLIPS // 2))]
    for damaged in [data + b"\0", data + data, *(data[:length] for length in lengths)]:
        with pytest.raises(ModelFormatError, match=f"^{path}: damaged"):
            Tagger.from_files({**model_files, path: damaged})


@pytest.mark.parametrize("path", sorted({*PAYLOAD, MANIFEST}))
def test_missing_file_is_refused_by_name(model_files, path):
    """A folder that was copied in part is not a model."""
    files = {other: data for other, data in model_files.items() if other != path}
    with pytest.raises(ModelFormatError, match=f"^{path}: missing$"):
        Tagger.from_files(files)


def test_unlisted_file_is_refused_by_name(model_files):
    """What the manifest does not list does not belong to the model, the release folder apart."""
    with pytest.raises(ModelFormatError, match=r"^notes\.txt: not listed in manifest\.json$"):
        Tagger.from_files({**model_files, "notes.txt": b""})
    assert verify({**model_files, "release/gate.md": b"approved"}) == verify(model_files)


def test_payload_file_that_the_manifest_leaves_out_is_refused():
    """A manifest cannot exempt a file that the tagger parses from verification."""
    files = small_package()
    listed = {path: digest for path, digest in parse_manifest(files[MANIFEST]).files.items() if path != CRF}
    with pytest.raises(ModelFormatError, match=f"^{CRF}: not listed"):
        verify(with_manifest(files, files=listed, model_digest=digest_of_files(listed)))
    listed["release/card.md"] = digest_of(b"")
    with pytest.raises(ModelFormatError, match=f"^{CRF}: missing"):
        verify({path: data for path, data in with_manifest(files, files=listed).items() if path != CRF})


def test_expected_digest_must_be_the_models(model_files):
    """The server is told which model it serves; another whole model is refused with both digests."""
    digest = parse_manifest(model_files[MANIFEST]).model_digest
    assert verify(model_files, expected_digest=digest).model_digest == digest
    other = digest_of(b"another")
    with pytest.raises(ModelFormatError, match=f"{digest}, expected was {other}"):
        Tagger.from_files(model_files, expected_digest=other)


def test_manifest_that_contradicts_itself_is_refused():
    """The model's digest must follow from its files' digests."""
    files = small_package()
    with pytest.raises(ModelFormatError, match=r"^manifest\.json: model_digest does not follow"):
        verify(with_manifest(files, model_digest=digest_of(b"")))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "format_version is missing"),
        (b"{}", "format_version is missing"),
        (b'{"format_version": "1"}', "format_version is missing"),
        (b'{"format_version": true}', "format_version is missing"),
        (b'{"format_version": 0}', "format_version is missing"),
        (b'{"format_version": 2, "unheard": "of"}', "format_version 2 is newer than 1.*upgrade it, or train the model again"),
        (b'{"format_version": 1}', "missing, unknown or wrong fields: .*datasets.*labels.*model_digest.*name"),
    ],
)
def test_unreadable_manifest_is_refused_with_what_to_do(data, problem):
    """Not JSON, no object, of a future format or short of a field: the message says which."""
    assert FORMAT_VERSION == 1
    with pytest.raises(ModelFormatError, match=f"^manifest.json: {problem}"):
        parse_manifest(data)


def test_wrong_manifest_field_is_named_without_its_value():
    """Unknown and mistyped fields are named; what they hold is not shown."""
    files = with_manifest(small_package(), labels="PRIVATE", surprise="PRIVATE")
    with pytest.raises(ModelFormatError, match=r"fields: labels, surprise$") as caught:
        verify(files)
    assert "PRIVATE" not in str(caught.value)


def test_damaged_manifest_never_gives_another_model(model_files):
    """A changed bit in the manifest is refused, or leaves the verified payload and its digest alone."""
    data, digest = model_files[MANIFEST], parse_manifest(model_files[MANIFEST]).model_digest
    outcomes = {"refused": 0, "read": 0}
    for position in range(8 * len(data)):
        try:
            manifest = verify({**model_files, MANIFEST: flipped(data, position)})
        except ModelFormatError:
            outcomes["refused"] += 1
        else:
            assert manifest.model_digest == digest
            outcomes["read"] += 1
    assert outcomes["refused"] > outcomes["read"] > 0


def test_digest_depends_on_the_payload_alone():
    """Neither the release, nor the manifest's other fields, nor the order of files change a model's digest."""
    files = small_package()
    digest = parse_manifest(files[MANIFEST]).model_digest
    other = small_package(name="other", version="v7", parameters={"seed": 9}, datasets={"train": digest})
    assert parse_manifest(other[MANIFEST]).model_digest == digest
    assert digest == digest_of_files({path: digest_of(path.encode()) for path in PAYLOAD})
    assert verify({**files, "release/metrics.json": b"{}"}).model_digest == digest


def test_manifest_survives_its_json():
    """What was written is what is read, and it is written the same every time."""
    manifest = parse_manifest(small_package(version="v3", parameters={"c1": 0.1, "groups": "all"})[MANIFEST])
    assert parse_manifest(manifest.to_json()) == manifest
    assert manifest.to_json() == parse_manifest(manifest.to_json()).to_json()


def test_served_version_is_the_registered_one_or_from_the_digest():
    """Replies name a version even before the model has one."""
    unregistered = parse_manifest(small_package()[MANIFEST])
    assert unregistered.served_version == unregistered.model_digest[len("sha256:") :][:12]
    assert parse_manifest(small_package(version="v3")[MANIFEST]).served_version == "v3"


def test_labels_are_those_of_the_manifest(model_files):
    """A manifest whose labels are not the payload's is refused: replies and gate would name others than the CRF does."""
    with pytest.raises(ModelFormatError, match=f"^{LABELS}: not the labels of manifest.json"):
        Tagger.from_files(with_manifest(model_files, labels=["DISEASE", "TREATMENTS"]))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (CRF, b""),
        (CRF, b"no CRF at all"),
        (model_package.LEXICON, b"{"),
        (model_package.LEXICON, b"7"),
        (model_package.FEATURES, b"{}}"),
        (model_package.FEATURES, b'{"groups": ["of a later release"]}'),
    ],
)
def test_whole_package_of_unknown_content_is_refused(model_files, path, content):
    """Files whose digests are right and whose content this release cannot read are an error that names them."""
    payload = {name: model_files[name] for name in PAYLOAD} | {path: content}
    fields = parse_manifest(model_files[MANIFEST]).model_dump(exclude={"files", "model_digest"})
    with pytest.raises(ModelFormatError, match=path):
        Tagger.from_files(build_package(payload, **fields))
