"""The pages of the documentation as tests read them: blocks, what a page tells of each, commands.

What a page tells the tests, in comments that readers do not see, before a block:

    <!-- file: NAME -->       the block is this file's content
    <!-- exit: N -->          its commands end with N
    <!-- background -->       its command goes on; the run it starts is waited for
    <!-- elsewhere -->        it is done in a folder outside Slipway's own
    <!-- as: NAME -->         this person does it, with a token
    <!-- put: OLD=NEW -->     what the prepared place has instead; several, parted by blanks
    <!-- not run: REASON -->  it cannot be run here; its words are checked all the same
"""

from __future__ import annotations

import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Done in a shell of their own, from the repository on.
LITERAL = (
    "docs/tutorial.md",
    "docs/reference/stage-scripts.md",
    "docs/how-to/sign-for-windows.md",
)
#: Done in the folder of one site that runs, in this order.
ON_A_SITE = (
    "docs/how-to/gates.md",
    "docs/how-to/deploy.md",
    "docs/how-to/people.md",
    "docs/how-to/poll-by-cron.md",
    "docs/how-to/when-a-stage-fails.md",
    "docs/how-to/verify-a-release.md",
    "docs/how-to/keep-the-release-key.md",
    "docs/how-to/give-a-stage-secrets.md",
    "docs/how-to/back-up-a-site.md",
    "docs/how-to/write-a-plugin.md",
    "docs/explanation/audit-trail.md",
    "README.md",
)
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
_PROGRAMS = (
    r"slipway|sh|powershell|git|mkdir|cd|export|printf|sed|make|echo|mv|cp|ssh|ssh-keyscan|"
    r"ssh-keygen|openssl|chmod|curl|psql|createdb|pg_restore|python3?|py|uv|behave|sha256sum|exec|\(umask|\.venv[/\\]\S+|[A-Z_]+="
)
#: How a line of a shell begins; other indented lines show what was printed.
_COMMAND = re.compile(rf"(?:{_PROGRAMS})(?:\s|\S*\")")
_BLOCK = re.compile(
    r"((?:^ *<!-- .*? -->\n)*)(?:^```(\w*)\n(.*?)^```$|((?:^ {4}[^\n]*\n(?:\n(?= {4}))?)+))",
    re.MULTILINE | re.DOTALL,
)
_ENDS = {";", "&&", "||", "|", "&", "(", ")"}


@dataclass(frozen=True)
class Block:
    """A block of a page."""

    marks: dict[str, str]
    language: str | None
    """None: it is indented."""
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands of a shell in it."""
        if self.language is not None or "file" in self.marks:
            return []
        return [line for is_command, line in statements(self.text) if is_command]


def named(page: Path) -> str:
    """Return a page's path in the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """Yield each block of a page."""
    for marks, language, fenced, indented in _BLOCK.findall(page.read_text("utf-8")):
        told = {
            key: rest
            for key, _, rest in (
                one.partition(": ") for one in re.findall(r"<!-- (.*?) -->", marks)
            )
        }
        if indented:
            yield Block(told, None, textwrap.dedent(indented))
        else:
            yield Block(told, language, fenced)


def statements(text: str) -> Iterator[tuple[bool, str]]:
    """Part a block's commands: a line, or several where one goes on; and what was printed.

    What stands behind a command and an empty line was printed.
    """
    lines: list[str] = []
    came = shown = False
    for line in text.splitlines():
        if not lines and (shown or not _COMMAND.match(line)):
            shown = shown or (came and not line.strip())
            if line.strip():
                yield False, line
            continue
        lines.append(line)
        done = subprocess.run(["bash", "-n", "-c", "\n".join(lines)], capture_output=True)  # noqa: PLW1510
        if not line.endswith("\\") and done.returncode == 0:
            yield True, "\n".join(lines)
            lines, came = [], True
    if lines:
        # No shell of this machine's reads it.
        yield from ((True, line) for line in lines)


def looks_like(told: str, said: str) -> bool:
    """Tell whether most words that a page shows were printed; numbers are never the same."""
    words = re.findall(r"[A-Za-z_]{3,}", told)
    return sum(word in said for word in words) >= 0.6 * len(words)


def put(text: str, marks: dict[str, str]) -> str:
    """Write what the prepared place has instead of what the page names."""
    for one in marks.get("put", "").split():
        old, _, new = one.partition("=")
        text = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w.])", new, text)
    return text


def simple(command: str) -> Iterator[list[str]]:
    """Yield the words of each simple command in a command: program, then arguments."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    # Backslashes are Windows's; what they escape elsewhere is in quotes here.
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", "#"
    words: list[str] = []
    skip = False
    for word in [*lexer, ";"]:
        if word in _ENDS:
            if words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if words:
                yield words[1:] if words[0] == "exec" else words
            words = []
        elif word in {">", "<", ">>"}:
            skip = True
        elif skip:
            skip = False
        else:
            words.append(word)
