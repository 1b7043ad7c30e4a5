"""Say which of some distributions require which others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from slipway.scripts.stages.freeze.contents.distributions import Distribution

__all__ = ["required"]


def required(known: Mapping[str, Distribution], python: str) -> dict[str, set[str]]:
    """Return the keys of what each distribution requires, of those that are known.

    An extra counts where somebody asks for it.

    Args:
        known: The distributions by key; the application's may have any.
        python: The version of Python that they run on.
    """
    keys = {one.key: key for key, one in known.items()}
    environment = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_version": python,
    }
    edges: dict[str, set[str]] = {key: set() for key in known}
    left = [(key, "") for key in known]
    seen = set(left)
    while left:
        key, extra = left.pop()
        for requirement in _requirements(known[key], environment | {"extra": extra}):
            need = keys.get(str(canonicalize_name(requirement.name)))
            if need is None or need == key:
                continue
            edges[key].add(need)
            for one in requirement.extras:
                if (need, one) not in seen:
                    seen.add((need, one))
                    left.append((need, one))
    return edges


def _requirements(one: Distribution, environment: dict[str, str]) -> Iterator[Requirement]:
    for text in one.requires:
        try:
            found = Requirement(text)
            if found.marker is None or found.marker.evaluate(environment):
                yield found
        except (InvalidRequirement, ValueError):
            # Somebody else's metadata; old ones are not always right.
            continue
