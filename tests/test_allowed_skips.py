"""The plugin that fails a run when a test is skipped for a reason nobody accepted."""

from pathlib import Path

import pytest

from tests.allowed_skips import read_reasons

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
SKIPPED = """
import pytest

def test_that_runs():
    pass

@pytest.mark.skipif(True, reason="no cluster: set KUBECONFIG")
def test_marked():
    pass

def test_from_inside():
    pytest.skip("no browser")

@pytest.mark.xfail(reason="known", strict=True)
def test_known_to_fail():
    assert False
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a test file with the plugin and, unless None, a list of reasons."""
    monkeypatch.syspath_prepend(str(ROOT))

    def with_reasons(source, reasons, *options):
        pytester.makepyfile(source)
        if reasons is not None:
            (pytester.path / "reasons.txt").write_text(reasons)
            options = ("--allowed-skips", "reasons.txt", *options)
        return pytester.runpytest_inprocess("-p", "tests.allowed_skips", "-p", "no:asyncio", "-p", "no:cacheprovider", *options)

    return with_reasons


def test_listed_skips_are_accepted(run):
    """With every reason in the list, explained or not, the run passes."""
    result = run(SKIPPED, "# accepted\n\nno cluster: set KUBECONFIG # CI has none\nno browser\n")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1, skipped=2, xfailed=1)
    result.stdout.no_fnmatch_line("*not listed*")


def test_unlisted_skip_fails_the_run(run):
    """One skip that is not listed fails a run of passing tests; test and reason are named, the listed one is not."""
    result = run(SKIPPED, "no cluster: set KUBECONFIG # CI has none\n")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["skip not listed in reasons.txt: *::test_from_inside: no browser"])
    result.stdout.no_fnmatch_line("*not listed*test_marked*")


@pytest.mark.parametrize("reason", ["no brows", "no browser at all", "# no browser", "NO BROWSER"])
def test_reason_must_be_listed_exactly(run, reason):
    """A part of a reason, or a comment, allows nothing."""
    assert run(SKIPPED, f"no cluster: set KUBECONFIG\n{reason}\n").ret == pytest.ExitCode.TESTS_FAILED


def test_skipped_module_is_a_skip_too(run, pytester):
    """A file that skips itself while it is collected counts, beside tests that ran."""
    pytester.makepyfile(test_second="import pytest\npytest.importorskip('no_such_module_1')\n")
    result = run("def test_that_runs():\n    pass\n", "")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*not listed*test_second.py: could not import 'no_such_module_1'*"])


def test_failure_remains_a_failure(run):
    """Allowed skips change nothing of a run whose tests fail."""
    failing = SKIPPED + "\ndef test_wrong():\n    assert False\n"
    assert run(failing, "no cluster: set KUBECONFIG\nno browser\n").ret == pytest.ExitCode.TESTS_FAILED


def test_without_the_option_skips_are_free(run):
    """On a developer's machine a missing tool fails nothing."""
    assert run(SKIPPED, None).ret == pytest.ExitCode.OK


def test_list_of_this_project_explains_each_reason():
    """Every line of the project's list says why the skip is accepted."""
    path = ROOT / "tests" / "allowed-skips.txt"
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert all(" # " in line and line.partition(" # ")[2].strip() for line in lines)
    assert len(read_reasons(path)) == len(lines)
