"""Read pipeline.toml into the model, or report every error in it at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.config import error_sentences
from slipway.config.line_numbers import Lines
from slipway.config.partial_graph import outline
from slipway.model.errors import WrongInput
from slipway.model.graph import check
from slipway.model.kept_keys import check_keys
from slipway.model.site import Site
from slipway.model.written_folders import check_written

#: Parts of the path of a stage: project, its name, stages, the stage's name.
_OF_A_STAGE = 4

__all__ = ["ConfigProblems", "Problem", "Reading", "parse", "read", "read_closely"]


@dataclass(frozen=True, order=True)
class Problem:
    """An error in a file: `pipeline.toml:41: KEY: SENTENCE`."""

    line: int
    path: str
    message: str
    file: str

    def __str__(self) -> str:
        key = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {key}{self.message}"


@dataclass(frozen=True)
class Reading:
    """A file that was read without an error, and the line of each of its keys."""

    site: Site
    file: str
    lines: Lines
    text: str

    def problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        """Return an error about a key, with its line."""
        return Problem(self.lines.line(path), error_sentences.dotted(path), message, self.file)


class ConfigProblems(WrongInput):
    """All errors in a pipeline.toml."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def read(path: Path | str) -> Site:
    """Read a pipeline.toml.

    Args:
        path: The file.

    Returns:
        The site it describes.

    Raises:
        ConfigProblems: The file's errors, each with its line.
        WrongInput: The file is not there or cannot be read.
    """
    return read_closely(path).site


def read_closely(path: Path | str) -> Reading:
    """Read a pipeline.toml and keep its keys' lines; raises the errors of `read`."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        msg = f"{path} is not there; write one (docs/tutorial.md shows how) or name it: --config"
        raise WrongInput(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8"
        raise WrongInput(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    return _parse(text, path.name)


def parse(text: str, file: str = "pipeline.toml") -> Site:
    """Read the text of a pipeline.toml; `file` is what errors call it.

    Raises:
        ConfigProblems: The file's errors, each with its line.
    """
    return _parse(text, file).site


def _parse(text: str, file: str) -> Reading:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigProblems([_syntax_problem(error, text, file)]) from None
    except RecursionError:
        raise ConfigProblems([Problem(1, "", "is nested too deeply to read", file)]) from None
    except ValueError as error:
        # For example a number of thousands of digits, which Python refuses to parse.
        raise ConfigProblems([Problem(1, "", f"cannot be read: {error}", file)]) from None
    lines = Lines(text)
    try:
        site = Site.model_validate(data)
    except ValidationError as error:
        found = [_problem(one, data, lines, file) for one in error.errors()]
        site = outline(data)
    else:
        found = []
    known = {problem.path for problem in found}
    # A partial graph lacks the invalid parts; these are compared only when all are known.
    whole = [] if found else [*check_written(site), *check_keys(site)]
    for breach in (*check(site), *whole):
        place = error_sentences.dotted(breach.path)
        # An error in a stage's needs is not repeated for the stage.
        is_new = place not in known and f"{place}.needs" not in known
        if is_new and _is_written(breach.path, data):
            found.append(Problem(lines.line(breach.path), place, breach.message, file))
    if found:
        raise ConfigProblems(found)
    return Reading(site, file, lines, text)


def _is_written(path: tuple[str | int, ...], data: Any) -> bool:
    """Return False for what is wrong with a stage that Slipway adds: it is so of another, too."""
    if len(path) < _OF_A_STAGE or (path[0], path[2]) != ("project", "stages"):
        return True
    return path[3] in data["project"][path[1]]["stages"]


def _problem(error: Any, data: dict[str, Any], lines: Lines, file: str) -> Problem:
    path = error_sentences.error_path(error, data)
    return Problem(
        lines.line(path), error_sentences.dotted(path), error_sentences.sentence(error, path), file
    )


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str, file: str) -> Problem:
    message = str(error)
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(place[1]) if place else max(1, text.count("\n"))
    words = re.sub(r"\s*\(at .*\)$", "", message)
    words = words[:1].lower() + words[1:]
    column = f" at column {place[2]}" if place else " at the end of the file"
    return Problem(line, "", f"not TOML: {words}{column}", file)
