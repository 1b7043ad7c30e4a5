"""Plugin kinds of stages, deployers, targets and notifiers, found by entry points.

A kind is a class of settings, registered as an entry point under its name. The class names its
runner, which is imported only where it runs: the master does not import a worker's dependencies.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from slipway.model.base import Part
from slipway.model.errors import MissingTool, error_line

__all__ = ["OURS", "Broken", "Kind", "Kinds"]

#: Name of Slipway's own distribution; all others are plugins.
OURS = "slipway"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class Kind(Part):
    """Settings of one kind of something."""

    runner: ClassVar[str] = ""
    """The function or class that does the work, as "package.module:name".

    Empty: `run` of the module `run` beside the module of this class.
    """

    @classmethod
    def load_runner(cls) -> Any:
        """Import the runner.

        Raises:
            MissingTool: It cannot be imported here.
        """
        beside = f"{cls.__module__.rpartition('.')[0]}.run:run"
        module, _, name = (cls.runner or beside).partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except Exception as error:
            if module.partition(".")[0] == OURS:
                if lacking := _lacking(error):
                    msg = f"{name} needs {lacking}, which is not here: uv pip install {lacking}"
                    raise MissingTool(msg) from error
                raise
            reason = error_line(error)
            msg = f"{module}:{name} cannot be imported: {reason}; mend or update its package"
            raise MissingTool(msg) from error


def _lacking(error: Exception) -> str:
    """Return the library of others whose absence an error is; empty if it is another error."""
    name = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    return "" if name.partition(".")[0] == OURS else name


@dataclass(frozen=True)
class Broken:
    """A plugin kind that cannot be used, with the reason."""

    group: str
    """The group of the entry point, such as slipway.stages."""
    name: str
    distribution: str
    """The distribution and its version."""
    problem: str

    def __str__(self) -> str:
        """Return a sentence with the problem and a remedy."""
        return (
            f'"{self.name}" of {self.distribution} ({self.group}) cannot be used: {self.problem}; '
            "mend or remove that package"
        )


T = TypeVar("T", bound=Kind)


class Kinds(Generic[T]):
    """Registry of the kinds of one group; as an annotation, a tagged union of them."""

    def __init__(
        self,
        group: str,
        base: Callable[[], type[T]],
        key: str,
        *,
        found: Callable[[str], Iterator[EntryPoint]] | None = None,
    ) -> None:
        """Create the registry; entry points are loaded at the first use.

        Args:
            group: The group of entry points.
            base: Returns the base class of all kinds.
            key: The discriminator: the key of a table that names its kind.
            found: Finds entry points; for tests.
        """
        self.group, self.key = group, key
        self._base = base
        self._find = found or (lambda group: iter(entry_points(group=group)))

    @cached_property
    def _offers(self) -> dict[str, list[EntryPoint]]:
        offers: dict[str, list[EntryPoint]] = {}
        for one in self._find(self.group):
            offers.setdefault(one.name, []).append(one)
        return offers

    @cached_property
    def _loaded(self) -> tuple[dict[str, type[T]], tuple[Broken, ...]]:
        kinds: dict[str, type[T]] = {}
        broken = []
        for name, offers in sorted(self._offers.items(), key=_ours_first):
            used, others = _chosen(offers)
            broken += [self._broken(one, _taken(one, offers)) for one in others]
            if used is None:
                continue
            try:
                kinds[name] = self._load(used)
            except (Exception, SystemExit) as error:
                if _is_ours(used):
                    raise
                broken.append(self._broken(used, error_line(error)))
        return kinds, tuple(broken)

    def _broken(self, offer: EntryPoint, problem: str) -> Broken:
        return Broken(self.group, offer.name, _distribution(offer), problem)

    def _load(self, offer: EntryPoint) -> type[T]:
        """Load and validate a kind.

        Raises:
            TypeError: The entry point is no valid kind.
            Exception: Any error of its module.
        """
        kind, base = offer.load(), self._base()
        if not (isinstance(kind, type) and issubclass(kind, base)):
            msg = f"{offer.value} is no subclass of slipway.plugins.{base.__name__}"
            raise TypeError(msg)
        field = kind.model_fields.get(self.key)
        allowed = get_args(field.annotation) if field and _is_literal(field.annotation) else ()
        if allowed != (offer.name,):
            msg = f'{offer.value} must say {self.key}: Literal["{offer.name}"]'
            raise TypeError(msg)
        if _NAME.fullmatch(offer.name) is None:
            msg = "its name must be lower-case letters, digits, - and _, a letter first, at most 40"
            raise TypeError(msg)
        if not _is_ours(offer):
            # Raises here if pydantic cannot build the schema: only this kind is broken, not the
            # site.
            kind.model_json_schema(by_alias=True)
        return kind

    # ---- look-up

    @property
    def members(self) -> Mapping[str, type[T]]:
        """The kinds by name, Slipway's own first."""
        return self._loaded[0]

    @property
    def broken(self) -> tuple[Broken, ...]:
        """The kinds that cannot be used."""
        return self._loaded[1]

    def get(self, name: str) -> type[T] | None:
        """Return a kind; None if there is no usable one of that name."""
        return self.members.get(name)

    def source(self, name: str) -> str:
        """Return the distribution of a kind, with its version."""
        used, _ = _chosen(self._offers[name])
        return _distribution(used) if used is not None else ""

    def plugins(self) -> list[Distribution]:
        """Return the distributions of others that a usable kind comes from."""
        used = (_chosen(self._offers[name])[0] for name in self.members)
        return [one.dist for one in used if one and one.dist is not None and not _is_ours(one)]

    def why_not(self, name: str) -> str:
        """Return the reason why a kind cannot be used; empty if it can, or is unknown."""
        found = (one for one in self.broken if one.name == name and name not in self.members)
        return next(map(str, found), "")

    def missing(self, name: str, what: str) -> str:
        """Return the sentence that there is no such kind.

        Args:
            name: The missing kind.
            what: The category, such as "kind of stage".
        """
        if why := self.why_not(name):
            return why
        known = ", ".join(sorted(self.members))
        return (
            f'"{name}" is no {what} here; there are {known}. Another one comes with a package that '
            "must be installed beside Slipway, on the master and on its workers"
        )

    # ---- pydantic annotation

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the tagged union of all kinds; pydantic calls this at the first use."""
        members = {name: handler.generate_schema(kind) for name, kind in self.members.items()}
        return core_schema.tagged_union_schema(members, discriminator=self.key)


def _is_literal(annotation: object) -> bool:
    return get_origin(annotation) is Literal


@cache
def _title(dist: Distribution) -> tuple[str, str]:
    # Cached: each access to a distribution's name parses its metadata.
    return dist.name, dist.version


def _is_ours(offer: EntryPoint) -> bool:
    return offer.dist is not None and _title(offer.dist)[0] == OURS


def _has_ours(offers: list[EntryPoint]) -> bool:
    return any(map(_is_ours, offers))


def _ours_first(item: tuple[str, list[EntryPoint]]) -> tuple[bool, str]:
    return not _has_ours(item[1]), item[0]


def _distribution(offer: EntryPoint) -> str:
    return " ".join(_title(offer.dist)) if offer.dist is not None else "an unknown package"


def _chosen(offers: list[EntryPoint]) -> tuple[EntryPoint | None, list[EntryPoint]]:
    """Choose between entry points of one name: the one to use, if any, and the others."""
    ours = [one for one in offers if _is_ours(one)]
    used = ours[0] if ours else offers[0] if len(offers) == 1 else None
    return used, [one for one in offers if one is not used]


def _taken(offer: EntryPoint, offers: list[EntryPoint]) -> str:
    if _has_ours(offers):
        return "Slipway itself has one of that name"
    others = {_distribution(one) for one in offers} - {_distribution(offer)}
    return f"{' and '.join(sorted(others)) or 'it'} has another of that name"
