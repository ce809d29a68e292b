"""The whole training pipeline on each corpus, through KFP's local runner; prints a Markdown table.

    python benchmarks/pipeline_corpora.py --corpora FOLDER [--only ncbi-disease ...] [--output FOLDER]

FOLDER holds ``biotext``, ``ncbi-disease``, ``bc5cdr`` and ``phee`` (docs/benchmarks.md says where each comes from). The peer is
sklearn-crfsuite's own tutorial features and settings, trained on the same training documents and judged on the same test
documents by the same span scores; the tutorial tunes nothing, and neither does the peer. Test sets are the corpora's own
development sets, or a split by document where there is none. Gate floors are lowered: this measures, it does not approve.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from corpora import phee
from tutorial_crf import tutorial_f1

from clinical_ner.datasets import load_dataset
from clinical_ner.documents import Document
from clinical_ner.splitting import SplitRule, split_documents
from clinical_ner.storage import open_storage, path_of

LOW_GATE = {"min_f1": 0.3, "min_slice_f1": 0.0, "max_unalignable_rate": 0.2}


def runs(corpora: Path, work: Path) -> dict[str, dict[str, Any]]:
    """Pipeline parameters of each run, by name."""
    ncbi, bc5cdr = corpora / "ncbi-disease", corpora / "bc5cdr"
    converted = {part: work / f"phee-{part}.jsonl" for part in ("train", "dev")}
    for part, path in converted.items():
        phee.main(str(corpora / "phee" / f"{part}.json"), str(path))
    return {
        "synthetic": {},
        "biotext": {"corpus_uri": corpora / "biotext", "corpus_format": "biotext", "label_map": "D=DISEASE,T=TREATMENT"},
        "ncbi-disease (IOB)": {
            "corpus_uri": ncbi / "iob-train.tsv",
            "test_corpus_uri": ncbi / "iob-devel.tsv",
            "corpus_format": "conll",
            "label_map": "*=DISEASE",
        },
        "ncbi-disease (PubTator)": {
            "corpus_uri": ncbi / "NCBItrainset_corpus.txt",
            "test_corpus_uri": ncbi / "NCBIdevelopset_corpus.txt",
            "corpus_format": "pubtator",
            "label_map": "*=DISEASE",
            "on_bad_record": "quarantine",
        },
        "bc5cdr": {
            "corpus_uri": bc5cdr / "CDR_TrainingSet.PubTator.txt",
            "test_corpus_uri": bc5cdr / "CDR_DevelopmentSet.PubTator.txt",
            "corpus_format": "pubtator",
            "label_map": "Disease=DISEASE,Chemical=CHEMICAL",
        },
        "phee": {"corpus_uri": converted["train"], "test_corpus_uri": converted["dev"], "corpus_format": "jsonl"},
    }


def run_pipeline(parameters: dict[str, Any], output: Path) -> tuple[dict[str, Any], float]:
    """``run.json`` of a run, and its wall seconds."""
    options = {**LOW_GATE, "registry_uri": output / "registry", "output": output, **parameters}
    command = [sys.executable, "-m", "pipelines", "run"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((output / "run.json").read_text()), time.monotonic() - started


def datasets_of(run: dict[str, Any], output: Path) -> tuple[list[Document], list[Document]]:
    """What the run trained on (train and development parts together) and what it was judged on."""
    storage = open_storage(str(output / "registry"))
    manifest = json.loads((path_of(run["model"]["uri"]) / "manifest.json").read_text())
    rule = SplitRule(**{name: manifest["parameters"][name] for name in SplitRule.model_fields})
    test = load_dataset(storage, manifest["datasets"]["test"]) if "test" in manifest["datasets"] else ()
    split = split_documents(load_dataset(storage, manifest["datasets"]["train"]), rule, test=test)
    return [*split.train, *split.dev], split.test


def row_of(name: str, run: dict[str, Any], seconds: float, peer: float) -> str:
    strict, overlap = run["metrics"]["strict"], run["metrics"]["overlap"]
    per_label = ", ".join(f"{label} {100 * score['f1']:.1f}" for label, score in strict["per_label"].items())
    interval = f"{100 * strict['f1_low']:.1f} to {100 * strict['f1_high']:.1f}"
    return (
        f"| {name} | {run['evaluation']['documents']} | {strict['gold_spans']} | {100 * strict['f1']:.1f} ({interval}) | "
        f"{per_label} | {100 * overlap['f1']:.1f} | {100 * peer:.1f} | {seconds:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("runs/corpora"))
    parser.add_argument("--only", nargs="*", help="names of runs")
    arguments = parser.parse_args()
    work = arguments.output.absolute()
    work.mkdir(parents=True, exist_ok=True)
    print("| corpus | test documents | gold spans | strict F1 (95 %) | by label | overlap F1 | peer's strict F1 | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, parameters in runs(arguments.corpora.absolute(), work).items():
        if arguments.only and name not in arguments.only:
            continue
        output = work / name.split(" (", maxsplit=1)[0] / str(time.time_ns())
        run, seconds = run_pipeline(parameters, output)
        print(row_of(name, run, seconds, tutorial_f1(*datasets_of(run, output))), flush=True)


if __name__ == "__main__":
    main()
