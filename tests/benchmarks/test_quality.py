"""The quality benchmark: what it lends, and that it runs on a corpus."""

import importlib.util
import sys
from pathlib import Path

import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.documents import Document, Entity

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHARED = "Hereditary hemochromatosis is frequent in people of this northern region."


@pytest.fixture(scope="module")
def quality():
    """The benchmark as a module; it finds its neighbours as a script does."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("quality_benchmark", BENCHMARKS / "quality.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_document_that_holds_a_scored_sentence_lends_nothing(quality, tmp_path):
    """Neither spacing nor case hides it; short sentences in common are chance."""
    (tmp_path / "gazetteers").mkdir()
    (tmp_path / "gazetteers" / "disease-ontology-2026.tsv").write_text("id\tlabel\n1\tgout\n")
    same = Document("a", f"More asthma. {SHARED.upper().replace(' ', '  ')}", (Entity(5, 11, "Disease"),))
    other = Document("b", "No croup. Other.", (Entity(3, 8, "Disease"),))
    corpus = quality.Corpus("X", train=[], scored=[Document("c", SHARED), Document("d", "No croup.")], lenders=("lender",))
    gazetteer = quality.build_gazetteer(tmp_path, corpus, {"lender": [same, other]})
    assert gazetteer.terms == {"mentioned-Disease": ["croup"], "ontology": ["gout"]}


def test_rows_compare_models_on_the_same_spans(quality, monkeypatch):
    """A row for the plain CRF, one for ours, one for each part taken away; with intervals and differences."""
    monkeypatch.setattr(quality, "ITERATIONS", 15)
    notes = synthesize(60, seed=5)
    corpus = quality.Corpus("Synthetic", train=notes[:40], scored=notes[40:], lenders=())
    rows = list(quality.compare(corpus, quality.Gazetteer.from_terms({"known": ["gout"]}), ablate=True))
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert all(len(row) == len(quality.HEADINGS) for row in cells)
    assert [row[1] for row in cells] == ["plain CRF", "clinical-ner", *(setting.name for setting in quality.ABLATIONS)]
    assert [bool(row[7]) for row in cells] == [False] + [True] * (len(cells) - 1)
    for row in cells:
        value, low, _, high = row[2].replace("(", "").replace(")", "").split()
        assert 0 < float(low) <= float(value) <= float(high) <= 100
