from datetime import timedelta

import orjson
import pytest
from typer.testing import CliRunner

from clinical_ner.cli.log import app
from clinical_ner.clock import utc_now
from clinical_ner.errors import ConfigError
from clinical_ner.storage import open_storage


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on the log in ``tmp_path``; errors of the library come through."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_URI", str(tmp_path))

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


@pytest.fixture
def days(tmp_path):
    """A file of today, one of yesterday, and a quarantined one of ten days ago."""
    today = utc_now().date()
    days = [today, today - timedelta(days=1), today - timedelta(days=10)]
    for day, folder in zip(days, ["inference-log", "inference-log", "inference-log-quarantine"], strict=True):
        open_storage(str(tmp_path)).write(f"{folder}/model=clinical-ner/version=v3/date={day}/hour=07/a.parquet", b"x")
    return [day.isoformat() for day in days]


def test_list_shows_every_day(run, days):
    """A row a day and version, oldest first, the quarantine's named so; or JSON."""
    rows = [line for line in run("list").splitlines() if "20" in line]
    assert [next(day for day in days if day in row) for row in rows] == days[::-1]
    assert "(quarantine)" in rows[0]
    assert "v3" in rows[1]
    assert [row["day"] for row in orjson.loads(run("list", "--json"))] == days[::-1]


def test_list_of_no_log_says_where_it_looked(run, tmp_path):
    """Nothing found is said with the place."""
    assert f"no inference log in {tmp_path}" in run("list")


def test_prune_deletes_older_days_only(run, days):
    """Whole days go, today never counted; a dry run deletes nothing."""
    assert "2 files of days before" in run("prune", "--older-than-days", "0", "--dry-run")
    assert "1 files" in run("prune", "--older-than-days", "1")
    assert [row["day"] for row in orjson.loads(run("list", "--json"))] == [days[1], days[0]]


def test_no_log_named_is_a_mistake(run, monkeypatch):
    """Without a log named anywhere the message tells both ways to name one."""
    monkeypatch.delenv("CLINICAL_NER_INFERENCE_LOG_URI")
    with pytest.raises(ConfigError, match=r"--log-uri.*CLINICAL_NER_INFERENCE_LOG_URI"):
        run("list")
