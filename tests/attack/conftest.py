"""A site of a test's own, as the live tests have it; a place for git to hurt."""

from tests.attack.repositories import place, repository
from tests.live.conftest import site

__all__ = ["place", "repository", "site"]
