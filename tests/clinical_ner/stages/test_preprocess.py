"""The preprocess stage: a dataset in, parts out; and that its features are those that the server sees."""

import orjson
import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document, Entity, dump_documents
from clinical_ner.errors import NotFound
from clinical_ner.features import FeatureSpec, extract
from clinical_ner.model_package import write_model_folder
from clinical_ner.stages.artifacts import read_documents, read_gazetteer, read_model, read_sentences
from clinical_ner.storage import open_storage
from serving.tagging import load_tagger
from tests.clinical_ner.stages.stage_runs import RULE, run_ingest, run_preprocess, run_train
from tests.serving.server_process import ServerProcess
from tests.serving.transports import GrpcRaw, Request, RestJson, Tensor

TEXT = (
    "Pt w/ type 2 diabetes & Crohn's disease 😀, on metformin 1.5 g b.i.d.\r\n"
    "Dx: Sjögren\u2019s syndrome;\u00a0Tx:\tβ-blocker,\nsalbutamol inh. e\u0301tude \U0001d4b3 daily. Denies asthma.\nNKDA"
)


def span(word, label):
    return Entity(TEXT.index(word), TEXT.index(word) + len(word), label)


NOTE = Document(
    "the-note",
    TEXT,
    (span("type 2 diabetes", "DISEASE"), span("metformin", "TREATMENT"), span("asthma", "DISEASE")),
)


def sentences_of(run, document_id):
    both = [*read_sentences(run.folder / "train"), *read_sentences(run.folder / "dev")]
    return [sentence for sentence in both if sentence.document_id == document_id]


def test_preprocess_hands_the_gazetteer_on(tmp_path):
    """What ingest stored under its digest is what training reads; one that nobody stored writes nothing."""
    (tmp_path / "terms.txt").write_text("gout\n")
    uri = f"known={tmp_path}/terms.txt"
    run = run_ingest(tmp_path, tmp_path / "registry", "synthetic://?notes=60&seed=0", gazetteer_uris=uri)
    run_preprocess(run)
    assert read_gazetteer(tmp_path / "gazetteer").terms == {"known": ["gout"]}
    missing = run._replace(folder=tmp_path / "b", ingested=run.ingested._replace(gazetteer_digest="sha256:" + "0" * 64))
    with pytest.raises(NotFound):
        run_preprocess(missing)
    assert not (tmp_path / "b").exists()


def test_preprocess_splits_the_dataset_by_its_rule(finished):
    """Every document is in the part that the rule says; training sentences come from no test document."""
    documents = load_dataset(open_storage(finished.registry_uri), finished.ingested.dataset_digest)
    part = {document.id: RULE.part_of(document) for document in documents}
    assert {part[sentence.document_id] for sentence in read_sentences(finished.folder / "train")} == {"train"}
    assert {part[sentence.document_id] for sentence in read_sentences(finished.folder / "dev")} == {"dev"}
    test = read_documents(finished.folder / "test")
    assert test == [document for document in documents if part[document.id] == "test"]


def test_preprocess_counts_what_it_wrote(finished, tmp_path):
    """The metrics of the step are the sizes of its artifacts."""
    counts = run_preprocess(finished.into(tmp_path))
    assert counts["train_sentences"] == len(read_sentences(tmp_path / "train"))
    assert counts["dev_sentences"] == len(read_sentences(tmp_path / "dev"))
    assert counts["test_documents"] == len(read_documents(tmp_path / "test"))
    assert counts["train_documents"] + counts["dev_documents"] + counts["test_documents"] == 100


def test_preprocess_with_an_explicit_test_set(tmp_path):
    """The test documents are exactly those given; of the corpus nothing is tested, and what equals a test note is left out."""
    corpus, test = synthesize(30, seed=5), synthesize(8, seed=6)
    copied = Document("copy", test[0].text.replace(" ", "  "), ())
    (tmp_path / "corpus.jsonl").write_bytes(dump_documents([*corpus, copied]))
    (tmp_path / "test.jsonl").write_bytes(dump_documents(test))
    options = {"corpus_format": "jsonl", "test_corpus_uri": str(tmp_path / "test.jsonl")}
    run = run_ingest(tmp_path / "out", tmp_path / "registry", tmp_path / "corpus.jsonl", **options)
    counts = run_preprocess(run)
    assert [document.text for document in read_documents(run.folder / "test")] == [document.text for document in test]
    assert (counts["train_documents"] + counts["dev_documents"], counts["duplicate_texts_left_out"]) == (30, 1)
    assert sentences_of(run, "copy") == []


def test_preprocess_counts_spans_that_no_tokens_express(tmp_path):
    """A span that ends within a word is counted, and its note is still used."""
    odd = [Document(f"odd-{number}", f"Has gout {number}.", (Entity(4, 6, "DISEASE"),)) for number in range(6)]
    (tmp_path / "corpus.jsonl").write_bytes(dump_documents([*synthesize(30, seed=5), *odd]))
    run = run_ingest(tmp_path / "out", tmp_path / "registry", tmp_path / "corpus.jsonl", corpus_format="jsonl")
    counts = run_preprocess(run)
    elsewhere = sum(RULE.part_of(document) == "test" for document in odd)
    assert counts["unalignable_spans"] == 6 - elsewhere > 0


def test_preprocess_of_an_unknown_dataset_writes_nothing(finished, tmp_path):
    """A digest that is not in the registry is NotFound."""
    run = finished.into(tmp_path / "out")._replace(registry_uri=str(tmp_path / "registry"))
    with pytest.raises(NotFound):
        run_preprocess(run)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on 60 notes, one of them NOTE, up to a trained model, which lies in the folder ``served`` too."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "corpus.jsonl").write_bytes(dump_documents([*synthesize(30, seed=8), NOTE, *synthesize(30, seed=9)]))
    (folder / "test.jsonl").write_bytes(dump_documents(synthesize(10, seed=10)))
    options = {"corpus_format": "jsonl", "test_corpus_uri": str(folder / "test.jsonl")}
    run = run_ingest(folder, folder / "registry", folder / "corpus.jsonl", **options)
    run_preprocess(run)
    run_train(run)
    write_model_folder(read_model(folder / "model"), folder / "served")
    return run


def test_note_has_the_same_features_in_preprocess_stage_and_server(trained):
    """What the CRF was trained on and what it is asked when serving are the same strings for every token of a note."""
    tagger = load_tagger(trained.folder / "served", "")
    sentences = sentences_of(trained, NOTE.id)
    served = tagger.features(TEXT)
    assert [extract(sentence.words, FeatureSpec()) for sentence in sentences] == served
    assert len(sentences) > 3
    assert any("w=metformin" in row for rows in served for row in rows)


def test_note_has_the_same_tokens_in_preprocess_stage_and_server(trained):
    """Offsets of the stage's tokens cut the note's text, and entities found by the served model begin and end at them."""
    tokens = [token for sentence in sentences_of(trained, NOTE.id) for token in sentence.tokens]
    assert all(TEXT[token.start : token.end] == token.text for token in tokens)
    annotation = load_tagger(trained.folder / "served", "").annotate(TEXT)
    assert annotation.token_count == len(tokens)
    assert annotation.sentence_count == len(sentences_of(trained, NOTE.id))
    assert annotation.unknown_count == 0
    assert annotation.entities
    starts, ends = {token.start for token in tokens}, {token.end for token in tokens}
    assert all(found.start in starts and found.end in ends for found in annotation.entities)


def test_running_server_explains_by_features_of_the_preprocess_stage(trained):
    """Asked over REST and gRPC, the server names for each entity features that the stage's tokens of that entity have."""
    sentences = sentences_of(trained, NOTE.id)
    features = [
        (token, row)
        for sentence in sentences
        for token, row in zip(sentence.tokens, extract(sentence.words, FeatureSpec()), strict=True)
    ]
    with ServerProcess(trained.folder / "served", trained.folder / "server.log", "--drain-seconds", "0") as server:
        server.wait_ready()
        request = Request(inputs=(Tensor("text", (TEXT.encode(),)),), parameters={"explain": True})
        rest, grpc = (transport(server).infer(request).entities[0] for transport in (RestJson, GrpcRaw))
    assert rest == grpc
    assert {entity["text"] for entity in rest} & {"metformin", "asthma", "type 2 diabetes"}
    for entity in rest:
        own = {name for token, row in features if entity["start"] <= token.start < entity["end"] for name in row}
        named = {item["feature"] for item in entity["explanation"]}
        assert named
        assert named <= own, orjson.dumps(entity)
        assert TEXT[entity["start"] : entity["end"]] == entity["text"]
