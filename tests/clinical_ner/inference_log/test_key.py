import pytest
from pydantic import SecretStr

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.key import read_key

KEY = "a key of enough bytes"


def test_key_is_that_of_the_setting_or_of_the_file(tmp_path):
    """Either gives the same key, without the white space around it; neither gives none."""
    path = tmp_path / "key"
    path.write_text(f"\n{KEY}\n")
    assert read_key(SecretStr(f" {KEY} "), None) == read_key(SecretStr(""), path) == KEY.encode()
    assert read_key(SecretStr(""), None) == b""


@pytest.mark.parametrize(
    ("secret", "content", "reason"),
    [
        ("short", None, "5 bytes; at least 16"),
        ("", "", "0 bytes; at least 16"),
        ("", "short", "5 bytes; at least 16"),
        (KEY, KEY, "give one of them"),
    ],
)
def test_key_that_is_none_is_refused(tmp_path, secret, content, reason):
    """A key that can be guessed, an empty file, or two keys: the message quotes none."""
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=reason) as raised:
        read_key(SecretStr(secret), path if content is not None else None)
    assert KEY not in str(raised.value)


def test_key_file_that_cannot_be_read_is_named(tmp_path):
    """The path and why."""
    with pytest.raises(ConfigError, match="none: No such file"):
        read_key(SecretStr(""), tmp_path / "none")
