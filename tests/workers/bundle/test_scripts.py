"""The scripts that start a set-up: PowerShell's by its grammar, the shell's by running it."""

import shutil
import subprocess
from pathlib import Path

import pytest
import tree_sitter_pwsh
from tree_sitter import Language, Parser

import slipway.workers.bundle

HERE = Path(slipway.workers.bundle.__file__).parent
PS1 = (HERE / "setup.ps1").read_bytes()


def problems(text):
    """Return the lines that PowerShell's grammar does not take."""
    root = Parser(Language(tree_sitter_pwsh.language())).parse(text).root_node
    found, rest = [], [root]
    while rest:
        node = rest.pop()
        rest += node.children
        if node.is_error or node.is_missing:
            found.append(node.start_point[0] + 1)
    return found


def test_the_powershell_script_is_powershell():
    assert problems(PS1) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"if ($Remove) {", b"if ($Remove {"),
        (b"foreach ($command in", b"foreach ($command of"),
        (b"'Stop'", b"'Stop"),
        (b"function Find-Python {", b"function {"),
    ],
)
def test_the_grammar_finds_what_is_broken(old, new):
    assert old in PS1
    assert problems(PS1.replace(old, new, 1))


def test_it_is_ascii_which_old_powershells_read_without_a_mark():
    assert PS1.isascii()


@pytest.mark.slow
def test_the_shell_script_hands_its_words_on(tmp_path):
    shutil.copy(HERE / "setup.sh", tmp_path)
    (tmp_path / "set_up_worker.py").write_text("import sys; print(sys.argv[1:]); sys.exit(4)")
    words = ["sh", str(tmp_path / "setup.sh"), "--folder", "/srv/a b"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout.strip()) == (4, "['--folder', '/srv/a b']")
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/nowhere:/bin", "PYTHON": "no"},
    )
    assert done.returncode == 3
    assert "python3 is missing; install 3.11 or newer" in done.stderr
