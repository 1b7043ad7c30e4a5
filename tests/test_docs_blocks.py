"""Every block of commands in the documentation is run by a test, or says why it is not.

Where it is not, its words are checked: commands by the real parser, targets of make, files.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from slipway.cli.main import _read
from tests.support.docs_pages import (
    LITERAL,
    ON_A_SITE,
    PAGES,
    ROOT,
    Block,
    blocks,
    named,
    simple,
    statements,
)

#: Blocks that are not run; more means that the pages are not tried any more.
MOST_LEFT_OUT = 42
#: Code that is not a shell's; a test of each is elsewhere.
LANGUAGES = {"gherkin", "json", "mermaid", "python", "text", "toml"}
_FOLDERS = ("bench", "docs", "examples", "features", "pipeline", "scripts", "tests", "www")
#: How a form of a command is written, and what stands for it when it is read.
_FORMS = {r"\b(ID|N)\b": "1", r"[\[\]]|\.\.\.": ""}
_SHOWN = re.compile(r"`((?:\.venv/bin/)?slipway [a-z][^`\n]*)`")


def shells():
    for page in PAGES:
        for number, block in enumerate(blocks(page), 1):
            if block.commands:
                yield pytest.param(page, block, id=f"{named(page)}:{number}")


SHELLS = list(shells())


@pytest.mark.parametrize(("page", "block"), SHELLS)
def test_a_block_is_run_or_says_why_not(page: Path, block: Block) -> None:
    if named(page) not in {*LITERAL, *ON_A_SITE}:
        assert block.marks.get("not run"), f"say why it is not run, or run it: {block.text}"
    assert block.marks.get("not run", "why"), "the reason is missing"


def test_few_blocks_are_left_out() -> None:
    left_out = [one.id for one in SHELLS if "not run" in one.values[1].marks]
    assert len(left_out) <= MOST_LEFT_OUT, left_out
    # Where a block of commands is not seen as one, nothing of it is tried.
    assert {*LITERAL, *ON_A_SITE} <= {named(one.values[0]) for one in SHELLS}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_block_of_commands_is_taken_for_something_else(page: Path) -> None:
    for block in blocks(page):
        if block.language is not None:
            assert block.language in LANGUAGES, f"{block.language}: indent commands by four blanks"
        elif not block.commands and "file" not in block.marks:
            for _, line in statements(block.text):
                word = line.split()[0]
                assert shutil.which(word) is None, f"{line}: is {word} a command?"


@pytest.mark.slow
@pytest.mark.parametrize(("page", "block"), SHELLS)
def test_its_words_are_there(page: Path, block: Block) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for command in block.commands:
        for program, *words in simple(command):
            name = re.split(r"[/\\]", program)[-1]
            if name == "slipway":
                understood(words)
            elif name == "make":
                assert {one for one in words if "=" not in one} <= targets, command
            elif program.startswith(".venv/bin/"):
                assert (ROOT / program).exists(), command
            for word in words:
                if word.partition("/")[0] in _FOLDERS and "/" in word and name != "git":
                    at = [ROOT, page.parent]
                    file = word.partition(":")[0]
                    made = "run-features" in page.name or "shelf" in page.read_text("utf-8")
                    assert made or any((one / file).exists() for one in at), f"{word}: {command}"


def understood(words: list[str]) -> None:
    """See that the command line takes these words."""
    for form, instead in _FORMS.items():
        words = [re.sub(form, instead, one) for one in words]
    words = [one for one in words if one]
    try:
        _read(words)
    except SystemExit as end:
        # `--help` and `--version` end so, too.
        if end.code:
            pytest.fail(f"slipway {' '.join(words)} is refused")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_options_in_sentences_are_there(page: Path) -> None:
    for told in _SHOWN.findall(page.read_text("utf-8")):
        for _, *words in simple(re.sub(r"[^\w\s./=-]", "", told)):
            options = [one.partition("=")[0] for one in words if one.startswith("--")]
            names = [one for one in words if re.fullmatch("[a-z]+", one)]
            for option in options:
                assert option in known(names), f"{told}: {option}"


def known(names: list[str]) -> set[str]:
    """Return the options of a command, and of its own."""
    from slipway.cli.main import parser

    reader = parser()
    for name in names:
        for action in reader._actions:
            if isinstance(action.choices, dict) and name in action.choices:
                reader = action.choices[name]
                break
    return {option for action in reader._actions for option in action.option_strings}
