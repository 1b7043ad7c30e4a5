"""The target `github`, beside curl."""

from publishing.forges import github_ways as ways

__all__ = ["ways"]
