"""What the master knows of a commit before it starts a run of it."""

from __future__ import annotations

from slipway.git_mirror import CommitFacts, Mirror
from slipway.ledger.runs import Commit

#: On changes that come from our own poller: it starts their run itself, once.
POLLED = "slipway_polled"


def commit_of(mirror: Mirror, branch: str, found: CommitFacts) -> Commit:
    """Return what a run keeps of a commit that the mirror has."""
    return Commit(
        branch=branch,
        revision=found.revision,
        base_version=mirror.version(found.revision).text,
        committed_at=found.committed_at,
        subject=found.subject,
        author=found.author,
    )


def look_up(mirror: Mirror, branch: str, revision: str | None) -> Commit:
    """Fetch, and return a branch's head or the revision that was named.

    Raises:
        WrongInput: The repository cannot be read, or has no such branch or revision.
    """
    # It is written down with the run, and stages get it in their environment.
    mirror.check_name(branch)
    mirror.fetch()
    return commit_of(mirror, branch, mirror.resolve(revision or branch))
