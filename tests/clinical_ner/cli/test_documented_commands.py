"""Commands as the documentation writes them: each is there, takes what is given to it, and is given all that it requires."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from clinical_ner.cli import app

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = typer.main.get_command(app)
USAGE_ERROR = typer.BadParameter.__base__

_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^clinical-ner .*$", re.MULTILINE)
_SPAN = re.compile(r"`(clinical-ner\s[^`]+)`")
_REMARK = re.compile(r"(?:\s{3,}| #| ->| \|).*")
"""What stands behind a command: words about it, or another program."""


def commands_of(text: str) -> Iterator[str]:
    """Lines of blocks, and spans within sentences; those over several lines as one."""
    for block in _BLOCK.findall(text):
        yield from (_REMARK.sub("", line) for line in _LINE.findall(re.sub(r" *\\\n *", " ", block)))
    for span in _SPAN.findall(_BLOCK.sub("", text)):
        yield _REMARK.sub("", " ".join(span.split()))


def fault_of(written: str, *, whole: bool) -> str:
    """What is wrong with a command; a bare name passes unless it must be ``whole``, and ... stands for further options."""
    command, words = PROGRAM, shlex.split(re.sub(r"[\[\]]", "", written))[1:]
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if not whole and words in ([], ["..."], ["--help"]):
        return ""
    try:
        given, left, _ = command.make_parser(typer.Context(command)).parse_args([word for word in words if word != "..."])
    except USAGE_ERROR as error:
        return error.format_message()
    if left or hasattr(command, "commands"):
        return f"no such command or argument: {' '.join(left)}"
    lacking = [each.opts[-1] for each in command.params if each.required and given.get(each.name) is None]
    return "" if "..." in words else " ".join(lacking)


def faults_of(page: Path) -> dict[str, str]:
    found = {written: fault_of(written, whole=page.parent == RUNBOOKS) for written in commands_of(page.read_text())}
    return {written: fault for written, fault in found.items() if fault}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documented_command_can_be_called(page):
    """Whoever copies it at night is not asked for what it lacks; an alert's page names none without all of that."""
    assert faults_of(page) == {}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("Clinical*.md")), ids=lambda page: page.stem)
def test_page_with_commands_says_where_they_act(page):
    """Without its variables a command means the machine of whoever was woken."""
    text = page.read_text()
    named = re.search("`(clinical-ner|kubectl|python -m pipelines) ", text)
    assert not named or "(README.md#before-you-begin)" in text


def test_documented_commands_are_found():
    """In blocks and in sentences, over line ends too."""
    text = "See `clinical-ner\nmodels list`.\n```\nclinical-ner kpi \\\n  --days 30   # a month\n```\n"
    assert list(commands_of(text)) == ["clinical-ner kpi --days 30", "clinical-ner models list"]
    assert sum(len(list(commands_of(page.read_text()))) for page in PAGES) > 80


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("rollout abort", "--reason"),
        ("resubmit approve --reason x", "resubmission"),
        ("rollout undo --reason x", "undo"),
        ("rollout", "no such command"),
        ("rollout abort --reason", "--reason"),
        ("rollout abort --reason x --now", "--now"),
        ("rollout abort v3 v4 --reason x", "v4"),
    ],
)
def test_fault_of_a_command_is_found(written, fault):
    """What these tests are about: what is missing, or is no command, option or argument."""
    assert fault in fault_of(f"clinical-ner {written}", whole=True)


def test_whole_command_has_no_fault():
    """With what it requires; brackets are around what may be left out."""
    assert not fault_of('clinical-ner rollout abort v3 --reason "x y" [--withdraw]', whole=True)
