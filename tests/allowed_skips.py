"""A pytest plugin: with ``--allowed-skips FILE`` a run fails when a test is skipped for a reason that FILE does not list."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--allowed-skips", type=Path, help="file of reasons; a skip for any other reason fails the run")


def read_reasons(path: Path) -> set[str]:
    """The reasons in ``path``: a line each up to ``" # "``; empty lines and comments are passed over."""
    lines = (line.partition(" # ")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def _reason(report: pytest.TestReport) -> str:
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--allowed-skips")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if path is None or reporter is None:
        return
    allowed = read_reasons(path)
    unlisted = [report for report in reporter.stats.get("skipped", []) if _reason(report) not in allowed]
    for report in unlisted:
        reporter.write_line(f"\nskip not listed in {path}: {report.nodeid}: {_reason(report)}", red=True)
    if unlisted and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
