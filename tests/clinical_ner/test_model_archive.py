"""A model in a folder and as an archive."""

import tarfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.errors import ModelFormatError
from clinical_ner.model_package import (
    PAYLOAD,
    pack,
    read_model_folder,
    unpack,
    verify,
    write_model_folder,
)
from tests.clinical_ner.small_package import flipped, small_package

SEGMENT = st.text(alphabet="abcß中.-_ ", min_size=1, max_size=8).filter(lambda name: name.strip(". ") == name != "")

PATHS = st.lists(SEGMENT, min_size=1, max_size=3).map("/".join)


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
