"""The tutorial and the page of stage scripts, done literally: each file, each command, in order.

What a page tells the test is in `tests/support/docs_pages.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from slipway.scripts.guard import die_with_parent
from tests.support.docs_pages import LITERAL, ROOT, blocks, looks_like, statements
from tests.support.machine import kill, lease_ports, processes_of, remove_users, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: Blocks of these pages that may be left out; more means that the pages are not tried any more.
MOST_LEFT_OUT = 1
_ENDED = "the-command-ended-with"


class Shell:
    """One bash that a reader would have open all the time."""

    def __init__(self, folder: Path) -> None:
        ports = lease_ports(2)
        self.ports = dict(zip(("8020", "9990"), map(str, ports), strict=True))
        self.folder, self.log = folder, folder / "up.log"
        who = {"NAME": "Ann", "EMAIL": "ann@example.org"}
        env = {
            f"GIT_{role}_{key}": one for role in ("AUTHOR", "COMMITTER") for key, one in who.items()
        }
        env |= {
            name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")
        }
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=ROOT,
            env=env | {"COLUMNS": "200", "HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\necho {_ENDED} $?\n")
        self.process.stdin.flush()
        said: list[str] = []
        for line in self.process.stdout:
            if _ENDED in line:
                before, _, code = line.partition(_ENDED)
                return int(code), "".join([*said, before])
            said.append(line)
        raise AssertionError(f"the shell ended: {''.join(said)}")

    def write(self, name: str, text: str) -> None:
        """Write a file as the page has it, with ports that nobody uses."""
        for ours, free in self.ports.items():
            text = text.replace(ours, free)
        Path(self.run("pwd")[1].strip(), name).write_text(text, "utf-8")

    def begin(self, command: str) -> None:
        """Start what goes on, and wait until its first run needs nothing more of a machine."""
        self.run(f"{command} > {self.log} 2>&1 &")

        def look() -> bool:
            code, said = self.run("slipway runs --json 2> /dev/null")
            runs = json.loads(said) if code == 0 and said.startswith("[") else []
            return bool(runs) and runs[-1]["state"] != "running"

        wait_for(look, lambda: self.log.read_text("utf-8"), 900)

    def shows(self, line: str) -> bool:
        """Tell whether what goes on prints a line, now or in a while."""
        if not self.log.exists():
            return False
        read = partial(self.log.read_text, "utf-8")
        return bool(wait_for(lambda: looks_like(line, read()), lambda: f"{line}: {read()}", 900))


@pytest.fixture
def shell(tmp_path: Path):
    made = Shell(tmp_path)
    yield made
    kill(processes_of(tmp_path))
    remove_users(tmp_path)
    made.process.kill()
    made.process.communicate()


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", LITERAL)
def test_a_page_is_done_literally(name: str, shell: Shell, tmp_path: Path) -> None:
    said, ran = "", 0
    if name != LITERAL[0]:
        # The tutorial tells how to get there.
        shell.run(f"PATH={ROOT}/.venv/bin:$PATH")
    for block in blocks(ROOT / name):
        marks, language, text = block.marks, block.language, block.text
        if "elsewhere" in marks:
            shell.run(f"cd {tmp_path}")
        if "file" in marks:
            shell.write(marks["file"], text)
        if language is not None or "not run" in marks:
            continue
        for is_command, line in statements(text):
            if not is_command:
                assert looks_like(line, said) or shell.shows(line), f"{line}\nnot in:\n{said}"
            elif "background" in marks:
                shell.begin(line)
                said = shell.log.read_text("utf-8")
                ran += 1
            else:
                code, printed = shell.run(line)
                assert code == int(marks.get("exit", "0")), f"{line}: {code}\n{printed}"
                said = printed
                ran += 1
    assert ran


@pytest.mark.parametrize("name", LITERAL)
def test_few_blocks_are_left_out_and_each_says_why(name: str) -> None:
    left_out = [block.marks["not run"] for block in blocks(ROOT / name) if "not run" in block.marks]
    assert all(left_out)
    assert len(left_out) <= MOST_LEFT_OUT
