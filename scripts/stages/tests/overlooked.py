"""Tell of tests that no suite of a stage looks into."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from slipway.scripts.stages.tests.pytest_settings import has_patterns, options_of
from slipway.scripts.stages.tests.suites import BY_NAME, Planned, Runner
from slipway.scripts.stages.tests.written_tests import ALSO, PATTERNS, look_at_all, look_into

__all__ = ["overlooked"]

_SHOWN = 3
#: Arguments that choose tests.
_CHOOSING = ("-k", "-m", "--pyargs", "--deselect", "--ignore", "--ignore-glob", "--lf", "-o")


def overlooked(source: Path, planned: Iterable[Planned], ran: Collection[str]) -> str:
    """Return a warning about tests that no suite looks into; empty if there are none.

    Args:
        source: The project.
        planned: Its suites. Those that are told what to run know what they leave out.
        ran: The files of all results, relative to the project.
    """
    planned = list(planned)
    runners = {one.runner for one in planned}
    if any(map(_chooses, planned)):
        return ""
    gone = _no_paths(source) if "pytest" in runners else []
    missed = _missed(source, runners, ran) if gone or not has_patterns(source) else []
    if "python_classes" not in options_of(source):
        missed += _plain(source)
    told = [f"testpaths of pytest names {', '.join(gone)}, which is not there"] if gone else []
    if missed:
        more = f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else ""
        told.append(
            f"no test ran of {', '.join(missed[:_SHOWN])}{more}, though there are some; "
            f"{' and '.join(sorted(runners))} did not find them: name a suite for them in the "
            "stage's suites, or set python_files, python_classes or norecursedirs of pytest"
        )
    return "; ".join(told)


def _missed(source: Path, runners: set[Runner], ran: Collection[str]) -> list[str]:
    """Return the files with tests of which none ran."""
    missed = []
    for one in look_into(source, (*PATTERNS, *ALSO)):
        name = one.path.relative_to(source).as_posix()
        # nose2 does not say where a test is.
        read = one.is_named(*BY_NAME["nose2"]) if "nose2" in runners else False
        if name not in ran and not read:
            missed.append(name)
        elif runners == {"unittest"} and one.functions:
            missed.append(f"{one.functions} in {name}")
    return missed


def _plain(source: Path) -> list[str]:
    """Return the classes with test methods that no runner takes, and no class derives from."""
    looked = look_at_all(source, (*PATTERNS, *ALSO))
    bases = {name for one in looked for name in one.bases}
    return [
        f"class {name} in {one.path.relative_to(source).as_posix()}"
        for one in looked
        for name in one.plain
        if name not in bases
    ]


def _no_paths(source: Path) -> list[str]:
    """Return the folders of pytest's testpaths that are not there."""
    paths = options_of(source).get("testpaths", "")
    names = paths.split() if isinstance(paths, str) else map(str, paths)
    return [name for name in names if not _is_there(source, name)]


def _is_there(source: Path, pattern: str) -> bool:
    try:
        return (source / pattern).exists() or any(source.glob(pattern))
    except (ValueError, NotImplementedError, OSError):
        # Pytest will say what is wrong with it.
        return True


def _chooses(suite: Planned) -> bool:
    """Return True if a suite's arguments say which tests to run."""
    return any(
        not one.startswith("-") or one.partition("=")[0] in _CHOOSING for one in suite.arguments
    ) and suite.arguments[:1] != ("-o",)
