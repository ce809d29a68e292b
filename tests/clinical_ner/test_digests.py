import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.digests import digest_of, digest_of_files, hex_of
from clinical_ner.errors import ConfigError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.binary())
def test_digest_is_sha256_in_hex(data):
    """Anyone can check a digest with sha256sum."""
    assert digest_of(data) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert hex_of(digest_of(data)) == hashlib.sha256(data).hexdigest()


def test_digest_of_files_is_fixed():
    """The digest over a set of files never changes between releases: registries hold it."""
    listing = f"a\0{digest_of(b'')}\nb/c\0{digest_of(b'x')}\n"
    assert digest_of(b"") == f"sha256:{EMPTY}"
    assert digest_of_files({"b/c": digest_of(b"x"), "a": digest_of(b"")}) == digest_of(listing.encode())


@given(st.dictionaries(st.text(min_size=1).filter(lambda path: not {"\0", "\n"} & set(path)), st.binary(), min_size=1))
def test_digest_of_files_sees_every_path_and_content(files):
    """Order does not matter; a renamed, changed or dropped file does."""
    digests = {path: digest_of(data) for path, data in files.items()}
    whole = digest_of_files(digests)
    assert whole == digest_of_files(dict(reversed(digests.items())))
    path = next(iter(digests))
    rest = {other: digest for other, digest in digests.items() if other != path}
    changed = [rest, rest | {path + "'" * 99: digests[path]}, rest | {path: digest_of(files[path] + b".")}]
    assert whole not in map(digest_of_files, changed)


@pytest.mark.parametrize("value", ["", "sha256:", "latest", "sha256:" + "g" * 64, "a" * 63, "A" * 64, "sha256:" + "0" * 65])
def test_what_is_no_digest_is_refused(value):
    """The message shows what was given and what is expected."""
    with pytest.raises(ConfigError, match="64 hex digits") as caught:
        hex_of(value)
    assert repr(value) in str(caught.value)


def test_bare_hex_digits_are_accepted():
    """People paste the part that folders are named by."""
    assert hex_of(EMPTY) == EMPTY
