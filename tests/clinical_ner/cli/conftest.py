"""The command line on stdin of a test, and the command that tags."""

import io
import json
import sys

import pytest

from clinical_ner.cli import main


@pytest.fixture
def cli(monkeypatch, capfdbinary, tmp_path):
    """Run the command line on stdin of these bytes; returns what it wrote to stdout and stderr.

    No run may show a traceback or, on stderr, the marked patient.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, stdin=b"", status=0):
        monkeypatch.setattr(sys, "argv", ["clinical-ner", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = (stream.decode() for stream in capfdbinary.readouterr())
        assert (ended.value.code or 0) == status, err
        assert "Traceback" not in err
        assert "Zebulon" not in err
        return out, err

    return run


@pytest.fixture
def predict(cli, model_folder):
    """Predict with the shared model; returns the objects written."""

    def run(*arguments, stdin=b""):
        out, err = cli("predict", "--model-dir", model_folder, *arguments, stdin=stdin)
        assert err == ""
        return [json.loads(line) for line in out.split("\n") if line]  # a JSON string may hold other line ends

    return run
