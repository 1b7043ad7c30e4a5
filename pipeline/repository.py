"""A project's git repository: a bare mirror of it, and what is known of its commits.

Everything here blocks; the master calls it in a thread.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.version import base_version

#: Seconds a git command may take; a fetch over a slow line is the longest.
PATIENCE = 600
_FETCHING: dict[Path, threading.Lock] = {}
_FIELDS = "%H%x00%ct%x00%an <%ae>%x00%s"


@dataclass(frozen=True)
class CommitFacts:
    """What is known of a commit."""

    revision: str
    committed_at: int
    """Seconds since 1970."""
    author: str
    subject: str


def is_url(repository: str) -> bool:
    """Tell a git URL (also ssh's short form, git@host:path) from a path."""
    return "://" in repository or (
        ":" in repository and "/" not in repository.split(":", maxsplit=1)[0]
    )


def git(*words: str, cwd: Path | None = None) -> str:
    """Run git and return what it printed.

    Raises:
        MissingTool: There is no git.
        WrongInput: It failed; the sentence is git's own last line.
    """
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        msg = "git is not on this machine; install it (apt install git)"
        raise MissingTool(msg) from None
    except subprocess.TimeoutExpired:
        msg = f"git {words[0]} did not end within {PATIENCE} seconds"
        raise WrongInput(msg) from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        telling = [line for line in said if line.startswith(("fatal:", "error:"))] or said
        raise WrongInput(telling[0] if telling else f"git {words[0]} failed")
    return done.stdout.decode(errors="replace")


def clear_locks(folder: Path) -> None:
    """Remove the locks that a killed git has left; git itself would wait for a person to do it.

    Args:
        folder: The .git or bare folder; nobody else is at work in it.
    """
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)


def facts(folder: Path, revision: str) -> CommitFacts:
    """Return what is known of one commit of a repository.

    Raises:
        WrongInput: There is no such commit.
    """
    told = git("log", "-1", f"--format={_FIELDS}", revision, "--", cwd=folder)
    return _commit(told.rstrip("\n"))


def _commit(line: str) -> CommitFacts:
    sha, when, author, subject = line.split("\0", 3)
    return CommitFacts(sha, int(when), author, subject)


def project_version(folder: Path, revision: str) -> str:
    """Return a project's own version at a revision: pyproject.toml, else the nearest tag."""
    try:
        pyproject: str | None = git("show", f"{revision}:pyproject.toml", cwd=folder)
    except WrongInput:
        pyproject = None
    try:
        described: str | None = git("describe", "--tags", revision, cwd=folder)
    except WrongInput:
        described = None
    return base_version(pyproject, described)


class Mirror:
    """A bare clone that follows a repository; the master asks it instead of the network."""

    def __init__(self, folder: Path, repository: str, place: str) -> None:
        """Remember where things are.

        Args:
            folder: Where the bare clone lies or shall lie.
            repository: Any git URL or path.
            place: What error sentences call it, such as "project.almanac.repository".
        """
        self.folder = folder
        self.repository = repository
        self._place = place

    def fetch(self) -> None:
        """Bring the mirror up to date.

        Raises:
            WrongInput: The repository is not there or cannot be read.
        """
        # A project's poller and its scheduler fetch in threads of their own.
        with _FETCHING.setdefault(self.folder.resolve(), threading.Lock()):
            self._fetch()

    def _fetch(self) -> None:
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", str(self.folder))
        clear_locks(self.folder)
        try:
            git(
                "fetch",
                "--quiet",
                "--prune",
                "--force",
                "--no-tags",
                self.repository,
                "+refs/heads/*:refs/heads/*",
                "+refs/tags/*:refs/tags/*",
                cwd=self.folder,
            )
        except WrongInput as error:
            msg = (
                f'{self._place}: the repository "{self.repository}" cannot be read: {error}; '
                "write a git URL or the path of a git repository"
            )
            raise WrongInput(msg) from None

    def resolve(self, name: str) -> CommitFacts:
        """Return the commit that a branch, tag or revision names.

        Raises:
            WrongInput: The repository has no commits, or nothing of that name.
        """
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            try:
                sha = self._git("rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}")
            except WrongInput:
                continue
            return facts(self.folder, sha.strip())
        branches = self.branches()
        subject = f'{self._place}: the repository "{self.repository}"'
        if not branches:
            msg = f"{subject} has no commits; make the first one"
        else:
            has = f"its branches are {', '.join(branches)}"
            msg = f'{subject} has no branch, tag or commit "{name}"; {has}'
        raise WrongInput(msg)

    def branches(self) -> list[str]:
        """Return the names of the branches, sorted."""
        told = self._git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
        return sorted(told.split())

    def between(self, old: str | None, new: str, limit: int = 50) -> list[CommitFacts]:
        """Return the commits after `old` up to `new`, oldest first, `new` always among them.

        Args:
            old: A revision, or None: only `new` is returned. One that the history no longer
                has (it was rewritten) counts as None.
            new: A revision.
            limit: The most to return; the newest are kept.
        """
        if old is None or not self._knows(old):
            return [facts(self.folder, new)]
        span = f"{old}..{new}"
        told = self._git("log", f"--max-count={limit}", f"--format={_FIELDS}", span, "--")
        commits = [_commit(line) for line in told.split("\n") if line]
        return commits[::-1] or [facts(self.folder, new)]

    def touched(self, old: str, new: str, patterns: Sequence[str]) -> bool:
        """Tell whether a file that matches differs between two revisions.

        Args:
            old: A revision; one that the history no longer has counts as all different.
            new: A revision.
            patterns: Git's own globs: "docs/**", "**/*.lock".
        """
        if not self._knows(old):
            return True
        specs = [f":(top,glob){pattern}" for pattern in patterns]
        return bool(self._git("diff", "--name-only", "-z", old, new, "--", *specs))

    def files(self, revision: str) -> list[str]:
        """Return the files a commit changed."""
        told = self._git(
            "diff-tree", "--no-commit-id", "--name-only", "-r", "-m", "-z", "--root", revision
        )
        return sorted({name for name in told.split("\0") if name})

    def version(self, revision: str) -> str:
        """Return the project's own version at a revision."""
        return project_version(self.folder, revision)

    def _git(self, *words: str) -> str:
        return git(*words, cwd=self.folder)

    def _knows(self, revision: str) -> bool:
        try:
            self._git("cat-file", "-e", f"{revision}^{{commit}}")
        except WrongInput:
            return False
        return True
