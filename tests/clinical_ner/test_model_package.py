import random
import tarfile
from io import BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    pack,
    parse_manifest,
    read_model_folder,
    unpack,
    verify,
    write_model_folder,
)
from clinical_ner.tagger import Tagger

FLIPS = 400
SEGMENT = st.text(alphabet="abcß中.-_ ", min_size=1, max_size=8).filter(lambda name: name.strip(". ") == name != "")
PATHS = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)


def small_package(**manifest):
    """A package that is whole, though nobody could tag with it."""
    fields = {"name": "clinical-ner", "labels": ("D",), "parameters": {}, "datasets": {}, "library_versions": {}}
    return build_package({path: path.encode() for path in PAYLOAD}, **fields | manifest)


def with_manifest(package, /, **changes):
    return {**package, MANIFEST: orjson.dumps({**orjson.loads(package[MANIFEST]), **changes})}


def flipped(data, position):
    """``data`` with one bit changed; ``position`` counts bits."""
    changed = bytearray(data)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


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


def test_model_folder_round_trip(tmp_path, model_files):
    """A folder holds the files as they were, folders within it included."""
    files = {**model_files, "release/a/b.md": b"x"}
    write_model_folder(files, tmp_path / "new" / "model")
    assert read_model_folder(tmp_path / "new" / "model") == files


def test_manifest_is_written_last(tmp_path):
    """A write that stops in the middle leaves a folder that nobody takes for a model."""
    (tmp_path / "release").write_bytes(b"in the way of a folder of that name")
    with pytest.raises(OSError, match="release"):
        write_model_folder({**small_package(), "release/card.md": b""}, tmp_path)
    with pytest.raises(ModelFormatError, match=r"no model here \(manifest\.json is missing\)"):
        read_model_folder(tmp_path)


def test_folder_that_is_none_is_refused(tmp_path):
    """A path that does not exist, or is a file, names itself."""
    (tmp_path / "file").write_bytes(b"")
    for name in ("missing", "file"):
        with pytest.raises(ModelFormatError, match=f"{name}: no model here"):
            read_model_folder(tmp_path / name)


@given(st.dictionaries(PATHS, st.binary(max_size=600), max_size=5))
def test_archive_round_trip(files):
    """Any set of files comes back from its archive, and their order does not change a byte of it."""
    archive = pack(files)
    assert unpack(archive) == files
    assert pack(dict(reversed(files.items()))) == archive


def test_damaged_archive_never_gives_another_model():
    """Cut anywhere, or with any bit of its headers changed, an archive raises nothing but the documented error."""
    files = small_package()
    archive = pack(files)
    ends = archive.rindex(b"model.crfsuite") + 1024
    damaged = [flipped(archive, position) for position in range(0, 8 * ends, 3)]
    damaged += [archive[:length] for length in range(0, ends, 7)] + [b"PK\3\4", b"\0" * 10_240]
    refused = sum(_is_refused(data, files) for data in damaged)
    assert refused > len(damaged) // 3


def _is_refused(archive, original):
    try:
        files = unpack(archive)
        verify(files)
    except ModelFormatError:
        return True
    assert {path: files[path] for path in PAYLOAD} == {path: original[path] for path in PAYLOAD}
    return False


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_archive_member_that_is_no_file_is_refused(kind):
    """Links (to themselves, to what is missing) and folders have no place in a model."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("model.crfsuite")
        member.type, member.linkname = kind, "model.crfsuite"
        archive.addfile(member)
    with pytest.raises(ModelFormatError, match="model archive: damaged"):
        unpack(buffer.getvalue())


def test_archive_holds_nothing_of_its_maker():
    """No time, user or mode of the machine: the same model has the same archive everywhere."""
    with tarfile.open(fileobj=BytesIO(pack({"b": b"1", "a": b""}))) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["a", "b"]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}


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
