"""Mirror a project's git repository as a bare clone, and read its commits.

Everything here blocks; the master calls it in a thread.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

from slipway.git import clear_locks, git
from slipway.model.commit import Change, Commit
from slipway.model.errors import WrongInput
from slipway.model.git_names import check_name, check_repository, is_name, is_revision, is_shortened
from slipway.model.records.commit import CommitFacts
from slipway.model.versions.release import ProjectVersion, find_version

__all__ = ["Mirror", "described", "facts", "is_dirty", "log_changes", "project_version"]

#: Maximum bytes that are read of a file with the version; a commit may contain any file.
_MOST_SETTINGS = 1 << 20
#: Maximum bytes of a list of files: the output for a commit of everything in a large project.
_MOST_FILES = 8 << 20
#: Group-readable: the workers of this machine fetch from it.
_SHARED = "core.sharedRepository=0640"
_FETCHING: dict[Path, threading.Lock] = {}
_FIELDS = "%H%x00%ct%x00%an <%ae>%x00%s"


def facts(folder: Path, revision: str) -> CommitFacts:
    """Return the facts of one commit of a repository.

    Raises:
        WrongInput: There is no such commit.
    """
    output = git("log", "-1", f"--format={_FIELDS}", "--end-of-options", revision, "--", cwd=folder)
    return _commit(output.rstrip("\n"))


def _commit(line: str) -> CommitFacts:
    sha, when, author, subject = line.split("\0", 3)
    return CommitFacts(revision=sha, subject=subject, author=author, committed_at=int(when))


def log_changes(folder: Path, old: str | None, new: str, limit: int) -> list[Change]:
    """Return the commits after one revision up to another without merges, the newest first.

    Args:
        folder: The repository.
        old: A revision, or None: all before `new`.
        new: A revision.
        limit: Maximum number of results.

    Raises:
        WrongInput: A revision does not exist.
    """
    span = f"{old}..{new}" if old else new
    words = ("log", "--no-merges", f"--max-count={limit}")
    # A line that git cuts: a message may have any length.
    form = "--format=%H%x00%<(100,trunc)%aN%x00%<(300,trunc)%s"
    output = git(*words, form, "--end-of-options", span, "--", cwd=folder)
    broken = git(
        *words, "--extended-regexp", "--grep=^BREAKING[ -]CHANGE:", "--format=%H",
        "--end-of-options", span, "--", cwd=folder,
    )  # fmt: skip
    breaking = set(broken.split())
    lines = (line.split("\0", 2) for line in output.split("\n") if line)
    return [
        Change(sha, subject.strip(), author.strip(), breaking=sha in breaking)
        for sha, author, subject in lines
    ]


def project_version(folder: Path, revision: str) -> ProjectVersion:
    """Return a project's version at a revision: from its files, else from the nearest tag."""

    def read(path: str) -> str | None:
        # As stored: no filter is run.
        words = ("cat-file", "blob", f"{revision}:{path}")
        try:
            return git(*words, cwd=folder, most=_MOST_SETTINGS)
        except WrongInput:
            return None

    return find_version(read, described(folder, revision))


def described(folder: Path, revision: str) -> str | None:
    """Return the output of `git describe --tags` for a revision, such as "v1.4.0-3-gabc1234"."""
    # A tag such as "nightly" must not hide an older version tag.
    match = ("--match", "*[0-9]*")
    try:
        return git("describe", "--tags", *match, "--end-of-options", revision, cwd=folder)
    except WrongInput:
        return None


def is_dirty(tree: Path, state: Path | None = None) -> bool:
    """Return True if a working tree has uncommitted changes or untracked files.

    Args:
        tree: The working tree.
        state: Slipway's own state folder, which may lie in it.

    Raises:
        WrongInput: The folder is no working tree.
    """
    words = ["status", "--porcelain", "-z", "--untracked-files=normal", "--", "."]
    if state is not None and state.resolve().is_relative_to(tree.resolve()):
        inside = state.resolve().relative_to(tree.resolve())
        words.append(f":(exclude,literal){inside.as_posix()}")
    return bool(git(*words, cwd=tree))


class Mirror:
    """A bare clone that follows a repository; the master reads it instead of the network."""

    def __init__(self, folder: Path, repository: str, place: str) -> None:
        """Initialize; runs no git.

        Args:
            folder: The folder of the bare clone, which may not exist yet.
            repository: Any git URL or path.
            place: Its name in error sentences, such as "project.almanac.repository".
        """
        self.folder = folder
        self.repository = repository
        self._place = place

    def fetch(self) -> None:
        """Bring the mirror up to date.

        Raises:
            WrongInput: The repository is not there or cannot be read.
        """
        # A project's poller and its scheduler fetch in separate threads.
        with _FETCHING.setdefault(self.folder.resolve(), threading.Lock()):
            self._fetch()

    def _fetch(self) -> None:
        self._check()
        if not (self.folder / "HEAD").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            # Without a template, so that no hooks of this machine are copied into it.
            git("init", "--quiet", "--bare", "--template=", cwd=self.folder, settings=(_SHARED,))
        clear_locks(self.folder)
        try:
            git(
                "fetch",
                "--quiet",
                "--prune",
                "--force",
                "--no-tags",
                "--no-recurse-submodules",
                "--end-of-options",
                self.repository,
                "+refs/heads/*:refs/heads/*",
                "+refs/tags/*:refs/tags/*",
                cwd=self.folder,
                settings=(_SHARED,),
            )
        except WrongInput as error:
            msg = (
                f'{self._place}: the repository "{self.repository}" cannot be read: {error}; '
                "write a git URL or the path of a git repository"
            )
            raise WrongInput(msg) from None

    def _check(self) -> None:
        try:
            check_repository(self.repository)
        except ValueError as error:
            msg = f"{self._place}: {error}"
            raise WrongInput(msg) from None

    def check_name(self, name: str) -> None:
        """Validate the name of a branch, tag or revision.

        Raises:
            WrongInput: The name is invalid; with the reason.
        """
        try:
            check_name(name)
        except ValueError as error:
            msg = f"{self._place}: {error}"
            raise WrongInput(msg) from None

    def resolve(self, name: str) -> CommitFacts:
        """Return the commit that a branch, tag or revision names.

        Raises:
            WrongInput: The repository has no commits, or nothing of that name.
        """
        self.check_name(name)
        candidates = [f"refs/heads/{name}", f"refs/tags/{name}"]
        # None of git's revision syntax is accepted: only a hash, or the beginning of one.
        candidates += [name] if is_shortened(name) else []
        for candidate in candidates:
            words = ("rev-parse", "--verify", "--quiet", "--end-of-options")
            try:
                sha = self._git(*words, f"{candidate}^{{commit}}").strip()
            except WrongInput:
                continue
            if is_revision(sha):
                return facts(self.folder, sha)
        branches = self.branches()
        subject = f'{self._place}: the repository "{self.repository}"'
        if not branches:
            msg = f"{subject} has no commits; make the first one"
        else:
            has = f"its branches are {', '.join(branches)}"
            msg = f'{subject} has no branch, tag or commit "{name}"; {has}'
        raise WrongInput(msg)

    def fetch_commit(self, branch: str, revision: str | None) -> Commit:
        """Fetch; return a branch's head or the given revision.

        Raises:
            WrongInput: The repository cannot be read, or has no such branch or revision.
        """
        # The name is recorded with the run and passed to stages in their environment.
        self.check_name(branch)
        self.fetch()
        return self.commit(branch, self.resolve(revision or branch))

    def commit(self, branch: str, found: CommitFacts) -> Commit:
        """Return the facts of a mirrored commit that a run records."""
        return Commit(
            branch=branch,
            revision=found.revision,
            base_version=self.version(found.revision).text,
            committed_at=found.committed_at,
            subject=found.subject,
            author=found.author,
        )

    def holds(self, branch: str, revision: str) -> bool:
        """Return True if a branch contains a revision, as of the last fetch."""
        if not is_name(branch) or not is_revision(revision):
            return False
        words = ("rev-list", "--max-count=1", "--end-of-options", revision)
        try:
            return not self._git(*words, f"^refs/heads/{branch}").strip()
        except WrongInput:
            return False

    def branches(self) -> list[str]:
        """Return the branches' names, sorted, without names that are unsafe to pass to git."""
        output = self._git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
        return sorted(name for name in output.split("\n") if is_name(name))

    def heads(self, limit: int) -> dict[str, str]:
        """Return the revision of each branch's head, the newest commits first.

        Args:
            limit: Maximum number of results.
        """
        form = "--format=%(objectname) %(refname:lstrip=2)"
        output = self._git("for-each-ref", "--sort=-committerdate", form, "refs/heads")
        found = (line.split(" ", 1) for line in output.split("\n") if line)
        good = ((name, sha) for sha, name in found if is_name(name))
        return dict(itertools.islice(good, limit))

    def between(self, old: str | None, new: str, limit: int = 50) -> list[CommitFacts]:
        """Return the commits after `old` up to `new`, oldest first, `new` always among them.

        Args:
            old: A revision, or None: only `new` is returned. A revision that the
                history no longer has (it was rewritten) counts as None.
            new: A revision.
            limit: Maximum number of results; the newest are kept.
        """
        if old is None or not self._knows(old):
            return [facts(self.folder, new)]
        span = f"{old}..{new}"
        output = self._git(
            "log", f"--max-count={limit}", f"--format={_FIELDS}", "--end-of-options", span, "--"
        )
        commits = [_commit(line) for line in output.split("\n") if line]
        return commits[::-1] or [facts(self.folder, new)]

    def changes(self, old: str | None, new: str, limit: int) -> list[Change]:
        """Return the commits after `old` up to `new` without merges, the newest first.

        Args:
            old: A revision, or None: all before `new`. A revision that the history no longer has
                counts as None.
            new: A revision.
            limit: Maximum number of results.
        """
        return log_changes(self.folder, old if old and self._knows(old) else None, new, limit)

    def touched(self, old: str, new: str, patterns: Sequence[str]) -> bool:
        """Return True if a file that matches differs between two revisions.

        Args:
            old: A revision; one that the history no longer has counts as all different.
            new: A revision.
            patterns: Git pathspec globs such as "docs/**", "**/*.lock".
        """
        if not self._knows(old):
            return True
        specs = [f":(top,glob){pattern}" for pattern in patterns]
        return bool(
            self._git("diff", "--name-only", "-z", "--end-of-options", old, new, "--", *specs)
        )

    def files(self, revision: str) -> list[str]:
        """Return the files a commit changed."""
        words = ("--no-commit-id", "--name-only", "-r", "-m", "-z", "--root", "--end-of-options")
        try:
            output = git("diff-tree", *words, revision, cwd=self.folder, most=_MOST_FILES)
        except WrongInput:
            # Too many to keep: the commit is returned without its files.
            return []
        return sorted({name for name in output.split("\0") if name})

    def version(self, revision: str) -> ProjectVersion:
        """Return the project's own version at a revision."""
        return project_version(self.folder, revision)

    def read(self, revision: str, path: str) -> str | None:
        """Return a file of a commit as it is stored; None: there is none, or it is huge."""
        try:
            return self._git("cat-file", "blob", f"{revision}:{path}")
        except WrongInput:
            return None

    def _git(self, *words: str) -> str:
        return git(*words, cwd=self.folder)

    def _knows(self, revision: str) -> bool:
        try:
            self._git("cat-file", "-e", f"{revision}^{{commit}}")
        except WrongInput:
            return False
        return True
