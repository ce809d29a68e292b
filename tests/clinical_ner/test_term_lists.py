import pytest

from clinical_ner.errors import ConfigError, DataError, NotFound, StorageError
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.storage import open_storage
from clinical_ner.term_lists import gazetteer_uri, load_gazetteer, read_gazetteer, store_gazetteer


@pytest.fixture
def storage(tmp_path):
    """An empty registry's store."""
    return open_storage(str(tmp_path / "registry"))


def test_lists_are_read_as_text_and_as_tables(tmp_path, storage):
    """A term a line, or a column named term, label or name; lists of one class are joined; quotes are the table's."""
    (tmp_path / "plain.txt").write_bytes("\N{ZERO WIDTH NO-BREAK SPACE}gout\r\n\nasthma \n".encode())
    (tmp_path / "table.tsv").write_text('id\tlabel\n1\t"croup, viral"\n2\tscabies\n')
    uris = f"D={tmp_path / 'plain.txt'}, D = file://{tmp_path}/table.tsv,T={tmp_path / 'plain.txt'}"
    terms = read_gazetteer(uris, storage).terms
    assert terms == {"D": ["asthma", "croup , viral", "gout", "scaby"], "T": ["asthma", "gout"]}
    assert read_gazetteer("", storage).terms == read_gazetteer(" , ", storage).terms == {}


@pytest.mark.parametrize("entry", ["terms.txt", "=terms.txt", "D=", "D=a.txt,b.txt"])
def test_entry_without_class_or_uri_is_refused(tmp_path, monkeypatch, storage, entry):
    """The message says which parameter, and its form."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("gout\n")
    with pytest.raises(ConfigError, match=r"^gazetteer_uris: .* CLASS=URI"):
        read_gazetteer(entry, storage)


@pytest.mark.parametrize(
    ("data", "problem"), [(b"go\xfft", "byte 2"), (b"\n \n", "no term"), (b"a\tb\n1\t2\n", "column"), (b"", "no term")]
)
def test_unreadable_list_is_named(tmp_path, storage, data, problem):
    """The message names the file and what is wrong, and quotes no term."""
    (tmp_path / "terms.tsv").write_bytes(data)
    with pytest.raises(DataError, match=rf"terms\.tsv: .*{problem}"):
        read_gazetteer(f"D={tmp_path}/terms.tsv", storage)
    with pytest.raises(NotFound, match="nowhere"):
        read_gazetteer(f"D={tmp_path}/nowhere.txt", storage)


def test_gazetteer_is_stored_once_and_verified(tmp_path):
    """The same terms have the same digest wherever they were read; none have none; changed ones are refused."""
    storage = open_storage(str(tmp_path))
    digest = store_gazetteer(storage, Gazetteer.from_terms({"D": ["gout", "asthma"]}))
    assert digest == store_gazetteer(storage, Gazetteer.from_terms({"D": ["Asthma", "gout"]}))
    assert load_gazetteer(storage, digest).terms == {"D": ["asthma", "gout"]}
    assert store_gazetteer(storage, EMPTY) == ""
    assert load_gazetteer(storage, "") is EMPTY
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(b'{"D":["asthma"]}')
    with pytest.raises(StorageError, match="digest"):
        load_gazetteer(storage, digest)
    with pytest.raises(NotFound):
        load_gazetteer(storage, "sha256:" + "0" * 64)


def test_kept_gazetteer_is_read_by_its_digest(tmp_path, storage):
    """A gazetteer URI alone gives the terms to the digest; lists beside it add to its classes and bring their own."""
    kept = Gazetteer.from_terms({"D": ["gout", "atopic dermatitis"], "T": []})
    digest = store_gazetteer(storage, kept)
    assert store_gazetteer(storage, read_gazetteer(gazetteer_uri(digest), storage)) == digest
    (tmp_path / "terms.txt").write_text("asthma\n")
    joined = read_gazetteer(f"D={tmp_path}/terms.txt, {gazetteer_uri(digest)},E={tmp_path}/terms.txt", storage)
    assert joined.terms == {"D": ["asthma", "atopic dermatitis", "gout"], "E": ["asthma"], "T": []}


def test_gazetteer_uri_that_names_none_is_refused(storage):
    """A digest that nothing is kept under is not found, what is no digest is a mistake; no term list has no URI."""
    with pytest.raises(NotFound):
        read_gazetteer(gazetteer_uri("sha256:" + "0" * 64), storage)
    with pytest.raises(ConfigError, match="not a digest"):
        read_gazetteer("gazetteer://newest", storage)
    assert gazetteer_uri("") == ""
