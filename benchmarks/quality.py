"""Extraction quality on public corpora, next to the plain CRF that one would write first.

``python benchmarks/quality.py --corpora DIR [--only NAME ...] [--ablate]``

Every model is trained on a corpus's train part alone and scored on its development part: strict and overlap span F1, with
95 % intervals by bootstrap over documents, on the same text and gold spans for both. The peer is ``sklearn_crfsuite.CRF``
with features and parameters of its tutorial (but for part-of-speech tags, which no corpus here brings) on our tokens; ours has
its default parameters. Neither is tuned.

The gazetteer is the Human Disease Ontology's names, and the mentions of other corpora; an abstract that holds a sentence of
the scored part lends none. BioText has no development part: a fifth of its sentences is carved by hash of the text.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from corpora import phee
from tutorial_crf import tutorial_predictions

from clinical_ner.corpora.label_map import LabelMap
from clinical_ner.corpora.reading import read_corpus
from clinical_ner.documents import Document, Entity
from clinical_ner.evaluation.bootstrap import Interval, f1_difference_interval, f1_interval
from clinical_ner.evaluation.counts import SpanCounts, count_spans, overlap_score, strict_score
from clinical_ner.evaluation.evaluation import annotate_all, spans_of
from clinical_ner.features import GROUPS, FeatureSpec
from clinical_ner.gazetteer import EMPTY, Gazetteer
from clinical_ner.splitting import SplitRule
from clinical_ner.tagger import Tagger
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, LabelledSentence, label_document, train_model

ITERATIONS = 100
_TELLING_SENTENCE = 40  # characters without white space, above which a sentence in common is no chance


class Corpus(NamedTuple):
    name: str
    train: list[Document]
    scored: list[Document]
    lenders: tuple[str, ...]
    """Corpora whose mentions are term lists."""


class Setting(NamedTuple):
    """What is trained: the library's model, or less of it."""

    name: str
    spec: FeatureSpec = FeatureSpec()
    with_gazetteer: bool = True
    with_bias: bool = True


FULL = Setting("clinical-ner")
ABLATIONS = (
    Setting("without gazetteer", with_gazetteer=False),
    Setting("without n-grams", FeatureSpec(groups=tuple(group for group in GROUPS if group != "ngram"))),
    Setting("without completion", FeatureSpec(complete=False)),
    Setting("without entity bias", with_bias=False),
)


def read(folder: Path, name: str, corpus_format: str, label_map: str = "") -> list[Document]:
    """Documents of one file; what a reader refuses (NCBI's train file has one bad offset) is left out."""
    uri = str(folder / name)
    return read_corpus(uri, corpus_format, label_map=LabelMap.parse(label_map), max_note_bytes=1 << 20).documents


def read_corpora(folder: Path) -> Iterator[Corpus]:
    """Every corpus in the forms that its publishers give it: IOB files hold sentences, PubTator files abstracts."""
    for suffix, corpus_format, ncbi, cdr in (
        ("", "conll", ("iob-train.tsv", "iob-devel.tsv"), ("iob-train.tsv", "iob-devel.tsv")),
        (
            " abstracts",
            "pubtator",
            ("NCBItrainset_corpus.txt", "NCBIdevelopset_corpus.txt"),
            ("CDR_TrainingSet.PubTator.txt", "CDR_DevelopmentSet.PubTator.txt"),
        ),
    ):
        parts = [read(folder, f"ncbi-disease/{name}", corpus_format, "*=Disease") for name in ncbi]
        yield Corpus(f"NCBI disease{suffix}", *parts, ("bc5cdr",))
        yield Corpus(f"BC5CDR{suffix}", *(read(folder, f"bc5cdr/{name}", corpus_format) for name in cdr), ("ncbi",))
    biotext = read(folder, "biotext", "biotext", "D=DISEASE,T=TREATMENT")
    rule = SplitRule(seed=0, dev_fraction=0.2, test_fraction=0)
    parts = [[document for document in biotext if rule.part_of(document) == part] for part in ("train", "dev")]
    yield Corpus("BioText", *parts, ("bc5cdr", "ncbi"))
    sentences = [phee.convert((folder / "phee" / name).read_bytes()) for name in ("train.json", "dev.json")]
    yield Corpus("PHEE", *sentences, ("bc5cdr", "ncbi"))


def read_lenders(folder: Path) -> dict[str, list[Document]]:
    """Abstracts whose mentions other corpora may know."""
    ncbi = [f"ncbi-disease/NCBI{part}set_corpus.txt" for part in ("train", "develop")]
    cdr = [f"bc5cdr/CDR_{part}Set.PubTator.txt" for part in ("Training", "Development")]
    return {
        "ncbi": [document for name in ncbi for document in read(folder, name, "pubtator", "*=Disease")],
        "bc5cdr": [document for name in cdr for document in read(folder, name, "pubtator")],
    }


def build_gazetteer(folder: Path, corpus: Corpus, lenders: dict[str, list[Document]]) -> Gazetteer:
    """The ontology's names, and the mentions of every lent abstract that holds no sentence of the scored part."""
    with (folder / "gazetteers" / "disease-ontology-2026.tsv").open(encoding="utf-8") as file:
        terms = {"ontology": [row["label"] for row in csv.DictReader(file, delimiter="\t")]}
    scored = {sentence for document in corpus.scored for sentence in _sentence_keys(document.text)}
    for lender in corpus.lenders:
        for document in lenders[lender]:
            if scored.isdisjoint(_sentence_keys(document.text)):
                for entity in document.entities:
                    terms.setdefault(f"mentioned-{entity.label}", []).append(document.text[entity.start : entity.end])
    return Gazetteer.from_terms(terms)


def _sentence_keys(text: str) -> set[str]:
    keys = ("".join(token.text.lower() for token in sentence) for sentence in _TOKENIZER.sentences(text))
    return {key for key in keys if len(key) >= _TELLING_SENTENCE}


_TOKENIZER = Tokenizer()

Predictions = list[list[Entity]]


def predict(corpus: Corpus, gazetteer: Gazetteer, setting: Setting) -> Predictions:
    """What the library's model, trained on the train part, finds in the scored part."""
    parameters = CrfParameters(max_iterations=ITERATIONS)
    files = train_model(
        _label(corpus.train),
        name="quality",
        parameters=parameters if setting.with_bias else parameters.model_copy(update={"entity_bias": 0.0}),
        spec=setting.spec,
        gazetteer=gazetteer if setting.with_gazetteer else EMPTY,
        datasets={},
        provenance={},
    )
    return spans_of(annotate_all(Tagger.from_files(files), corpus.scored))


def _label(documents: Sequence[Document]) -> list[LabelledSentence]:
    return [sentence for document in documents for sentence in label_document(document, _TOKENIZER)[0]]


class Result(NamedTuple):
    """Counts on the scored part, one column a label."""

    labels: list[str]
    counts: SpanCounts
    seconds: float


def measure(corpus: Corpus, predictions: Callable[[], Predictions]) -> Result:
    """Counts on the scored part; ``seconds`` are of training and tagging."""
    started = time.monotonic()
    predicted = predictions()
    gold = [document.entities for document in corpus.scored]
    names = sorted({entity.label for entities in gold for entity in entities})
    return Result(names, count_spans(gold, predicted, names), time.monotonic() - started)


def row(corpus: Corpus, name: str, result: Result, baseline: Result) -> str:
    """One line of the Markdown table; the last column is strict F1 less the baseline's."""
    counts = result.counts
    strict, overlap = strict_score(counts), overlap_score(counts)
    per_label = ", ".join(
        f"{label} {100 * strict_score(counts[:, [column]]).f1:.1f}" for column, label in enumerate(result.labels)
    )
    difference = "" if result is baseline else _difference(result, baseline)
    cells = (
        corpus.name,
        name,
        f"{100 * strict.f1:.1f} ({_percent(f1_interval(counts))})",
        f"{100 * strict.precision:.1f}",
        f"{100 * strict.recall:.1f}",
        f"{100 * overlap.f1:.1f}",
        per_label,
        difference,
        f"{result.seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _difference(result: Result, baseline: Result) -> str:
    value = strict_score(result.counts).f1 - strict_score(baseline.counts).f1
    interval = f1_difference_interval(result.counts, baseline.counts)
    return f"{100 * value:+.1f} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def _percent(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


HEADINGS = ("corpus", "model", "strict F1 (95 %)", "precision", "recall", "overlap F1", "per label", "difference", "seconds")


def compare(corpus: Corpus, gazetteer: Gazetteer, *, ablate: bool) -> Iterator[str]:
    """Table rows: the plain CRF, ours, and with ``ablate`` ours without each of its parts, compared with ours."""
    plain = measure(corpus, lambda: tutorial_predictions(corpus.train, corpus.scored))
    yield row(corpus, "plain CRF", plain, plain)
    ours = measure(corpus, partial(predict, corpus, gazetteer, FULL))
    yield row(corpus, FULL.name, ours, plain)
    for setting in ABLATIONS if ablate else ():
        less = measure(corpus, partial(predict, corpus, gazetteer, setting))
        yield row(corpus, setting.name, less, ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--corpora", type=Path, required=True, help="folder with ncbi-disease, bc5cdr, biotext, phee, gazetteers"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="corpora whose name begins so")
    parser.add_argument("--ablate", action="store_true", help="also train without each part of the model")
    options = parser.parse_args()
    lenders = read_lenders(options.corpora)
    print(f"| {' | '.join(HEADINGS)} |")
    print(f"|{'---|' * len(HEADINGS)}")
    for corpus in read_corpora(options.corpora):
        if not options.only or corpus.name.startswith(tuple(options.only)):
            for line in compare(corpus, build_gazetteer(options.corpora, corpus, lenders), ablate=options.ablate):
                print(line, flush=True)


if __name__ == "__main__":
    main()
