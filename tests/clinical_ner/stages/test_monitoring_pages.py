"""The monitoring pipeline's pages in a real browser, on a screen of an ordinary size and without network."""

import re

import pytest

from tests.browser import HEIGHT, WIDTH, opened, size_of
from tests.clinical_ner.stages.monitored import END, SHIFTED_END, run_collect, run_decide, run_drift_report


@pytest.fixture(scope="module", params=[END, SHIFTED_END], ids=["ordinary", "shifted"])
def pages(request, monitored, tmp_path_factory):
    """A folder with both pages of a run on ordinary and one on shifted notes."""
    folder = tmp_path_factory.mktemp("pages")
    run_collect(monitored, folder, request.param, novelty_days=10)
    run_drift_report(monitored, folder)
    run_decide(monitored, folder)
    return folder


def test_drift_summary_is_one_screen(pages):
    """Nothing of it has to be scrolled for."""
    assert size_of((pages / "drift_summary").read_text(), pages) == (WIDTH, HEIGHT)


def test_evidently_report_opens_without_network(pages):
    """Its scripts draw all columns from the one file, where no name resolves and nobody answers."""
    (pages / "evidently.html").write_text((pages / "evidently_report").read_text())
    shown = re.sub(r"<script.*?</script>", "", opened(pages / "evidently.html"), flags=re.DOTALL)
    assert "Data Drift Summary" in shown
    assert "entities_per_100_tokens.DISEASE" in shown
    assert "Wasserstein distance (normed)" in shown
    assert "<svg" in shown


def test_a_page_that_is_too_large_is_measured_so(tmp_path):
    """The measure is one: it grows with the page."""
    assert size_of('<div style="height: 1000px; width: 1400px"></div>', tmp_path) > (WIDTH, HEIGHT)
