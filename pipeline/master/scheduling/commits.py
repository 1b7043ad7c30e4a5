"""Look up the commit of a run in the mirror of its repository."""

from __future__ import annotations

from slipway.git_mirror import CommitFacts, Mirror
from slipway.ledger.runs import Commit

#: Property of changes made by our own poller, which starts the run itself, once.
POLLED = "slipway_polled"


def commit_of(mirror: Mirror, branch: str, found: CommitFacts) -> Commit:
    """Return the facts of a mirrored commit that a run records."""
    return Commit(
        branch=branch,
        revision=found.revision,
        base_version=mirror.version(found.revision).text,
        committed_at=found.committed_at,
        subject=found.subject,
        author=found.author,
    )


def look_up(mirror: Mirror, branch: str, revision: str | None) -> Commit:
    """Fetch; return a branch's head or the given revision.

    Raises:
        WrongInput: The repository cannot be read, or has no such branch or revision.
    """
    # The name is recorded with the run and passed to stages in their environment.
    mirror.check_name(branch)
    mirror.fetch()
    return commit_of(mirror, branch, mirror.resolve(revision or branch))
