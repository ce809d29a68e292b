import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli.data import app
from clinical_ner.datasets import store_dataset
from clinical_ner.documents import Document, Entity
from clinical_ner.errors import NotFound
from clinical_ner.storage import open_storage

GOUT = Document("note-1", "gout", (Entity(0, 4, "DISEASE"),), {"site": "north"})
RELABELLED = Document("note-1", "gout", (Entity(0, 4, "FINDING"),), {"site": "north"})
ASPIRIN = Document("note-2", "aspirin", (Entity(0, 7, "TREATMENT"),))
STROKE = Document("note-3", "stroke", (Entity(0, 6, "DISEASE"),))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on the store in ``tmp_path``, on a wide terminal; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", str(tmp_path))

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert not {"gout", "aspirin", "stroke"} & set(result.output.split()), "note text was shown"
        return result.output

    return invoke


@pytest.fixture
def digests(tmp_path):
    storage = open_storage(str(tmp_path))
    corpora = ([GOUT, ASPIRIN], [RELABELLED, STROKE])
    return [store_dataset(storage, corpus, reader="brat", parameters={"label_map": "D=DISEASE"}).digest for corpus in corpora]


def test_list_shows_every_dataset(run, digests):
    """A row a dataset, by its first digits, with reader, counts and labels."""
    rows = [line for line in run("list").splitlines() if "brat" in line]
    assert [row.split()[1] for row in rows] == [digest[7:19] for digest in digests]
    assert "DISEASE, TREATMENT" in rows[0]
    assert [record["digest"] for record in orjson.loads(run("list", "--json"))] == digests


def test_list_of_empty_store_says_where_it_looked(run, tmp_path):
    """Nothing found is said with the place."""
    assert f"no datasets in {tmp_path}" in run("list")


def test_show_takes_the_first_digits(run, digests):
    """The description of one dataset: reader, parameters and counts."""
    output = run("show", digests[0][7:15])
    for text in (digests[0], "brat", "D=DISEASE", "TREATMENT", "north"):
        assert text in output
    assert orjson.loads(run("show", digests[0], "--json"))["documents"] == 2


def test_show_of_unknown_dataset_comes_through(run, digests):
    """An unknown digest is the store's error."""
    with pytest.raises(NotFound, match="0 datasets"):
        run("show", "xyz")


def test_diff_lists_ids_and_counts_labels(run, digests):
    """Documents only in one, changed documents and the labels' counts, without text."""
    output = run("diff", *digests)
    for line in ("0 documents are the same in both", "1 only in the first", "  note-2", "  note-3", "1 changed", "  note-1"):
        assert line in output.splitlines()
    (finding,) = [line for line in output.splitlines() if "FINDING" in line]
    assert finding.split()[3::2] == ["0", "1", "+1"]
    record = orjson.loads(run("diff", *digests, "--json"))
    assert (record["only_first"], record["only_second"], record["changed"]) == (["note-2"], ["note-3"], ["note-1"])


def test_diff_shows_as_many_ids_as_asked(run, digests):
    """Long lists are cut, their counts are not."""
    output = run("diff", *digests, "--show", "0")
    assert "1 only in the first" in output
    assert "note-" not in output


@pytest.mark.parametrize("command", ["list", "show", "diff"])
def test_help_holds_an_example(run, command):
    """Each command's help shows how it is used."""
    assert f"clinical-ner data {command}" in run(command, "--help")
