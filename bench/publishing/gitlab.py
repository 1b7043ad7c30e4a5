"""The target `gitlab`, beside curl."""

from publishing.forges import gitlab_ways as ways

__all__ = ["ways"]
