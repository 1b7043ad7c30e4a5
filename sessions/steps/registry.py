"""Predefined steps: their patterns and functions, and their registration with behave."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import behave
from behave import matchers
from behave.matchers import Matcher
from behave.model_type import Argument
from behave.step_registry import AmbiguousStep, StepRegistry

from slipway.sessions.locators import KINDS

__all__ = [
    "ReadyMatcher",
    "ReadyStep",
    "StepClash",
    "StepFunction",
    "StepInfo",
    "Vocabulary",
    "check_clashes",
    "register",
]

StepFunction = Callable[..., None]

_PLACE = re.compile(r'"\{(\w+)\}"|\{(\w+):(\w+)\}')
#: Kinds as sessions name them, or with spaces: "file_field" or "file field".
_KIND = "|".join(kind.replace("_", "[_ ]") for kind in KINDS)
#: Types of {name:TYPE} in a pattern; without a type it is a text in double quotes.
_TYPES = {
    "number": r"\d+",
    "kind": rf'"?(?P<{{name}}>{_KIND})"?',
    "rest": ".+",
}
_QUOTED = r'"(?P<{name}>(?:[^"\\]|\\.)*)"'


class StepClash(ValueError):
    """A step of the project itself has the same text as a predefined one."""


@dataclass(frozen=True)
class StepInfo:
    """The documentation of a predefined step."""

    kind: str
    """The best keyword: given, when or then. Any keyword is accepted."""
    pattern: str
    help: str
    """One sentence."""
    example: str


@dataclass(frozen=True)
class ReadyStep:
    """A step that can be registered with behave."""

    kind: str
    pattern: str
    function: StepFunction
    example: str

    @property
    def text(self) -> str:
        """The step in its example, without keyword and without the table or text below it."""
        return self.example.partition("\n")[0].partition(" ")[2]

    @property
    def info(self) -> StepInfo:
        """The documentation."""
        summary = (self.function.__doc__ or "").strip().partition("\n")[0]
        return StepInfo(self.kind, self.pattern, summary, self.example)


class Vocabulary:
    """Predefined steps, collected by decorators; they are not registered with behave yet."""

    def __init__(self) -> None:
        self.steps: list[ReadyStep] = []

    def given(self, *patterns: str, example: str) -> Callable[[StepFunction], StepFunction]:
        """Add a function as steps that set up a scenario."""
        return self._collect("given", patterns, example)

    def when(self, *patterns: str, example: str) -> Callable[[StepFunction], StepFunction]:
        """Add a function as steps that act."""
        return self._collect("when", patterns, example)

    def then(self, *patterns: str, example: str) -> Callable[[StepFunction], StepFunction]:
        """Add a function as steps that check."""
        return self._collect("then", patterns, example)

    def _collect(
        self, kind: str, patterns: Sequence[str], example: str
    ) -> Callable[[StepFunction], StepFunction]:
        def decorate(function: StepFunction) -> StepFunction:
            self.steps += [ReadyStep(kind, pattern, function, example) for pattern in patterns]
            return function

        return decorate


class ReadyMatcher(Matcher):  # type: ignore[misc]  # behave ships no types
    r"""Matches a ready step: texts stand in double quotes, and \" is a quote inside one."""

    NAME = "slipway"

    @property
    def regex_pattern(self) -> str:
        """The pattern as a regular expression."""
        return _expression(self.pattern).pattern

    def compile(self) -> ReadyMatcher:
        """Return this matcher; its expression is known to be valid."""
        _expression(self.pattern)
        return self

    def check_match(self, step_text: str) -> list[Argument] | None:
        """Return the arguments in a step's text; None if it does not match."""
        found = _expression(self.pattern).fullmatch(step_text)
        if found is None:
            return None
        return [_argument(found, name) for name in found.groupdict()]


def _argument(found: re.Match[str], name: str) -> Argument:
    text, (start, end) = found[name], found.span(name)
    # The rest of a step is a step itself, which may contain quotes.
    quoted = found.string[start - 1 : start] == '"'
    return Argument(start, end, text, text.replace('\\"', '"') if quoted else text, name)


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern such as `I press "{button}"`."""
    out, at = "", 0
    for place in _PLACE.finditer(pattern):
        out += re.escape(pattern[at : place.start()])
        name, kind = place[1] or place[2], place[3]
        what = _TYPES[kind] if kind else _QUOTED
        what = what.replace("{name}", name)
        out += what if "(?P<" in what else f"(?P<{name}>{what})"
        at = place.end()
    return re.compile(out + re.escape(pattern[at:]), re.DOTALL)


def register(steps: Iterable[ReadyStep]) -> None:
    """Register steps with behave, under every keyword. Idempotent.

    Raises:
        StepClash: A step of the project itself has the same text as one of them.
    """
    matchers.register_step_matcher_class(ReadyMatcher.NAME, ReadyMatcher, override=True)
    chosen = matchers.get_step_matcher_factory().current_matcher.NAME
    matchers.use_step_matcher(ReadyMatcher.NAME)
    try:
        for step in steps:
            # The registry that the project's own steps import: behave has more than one.
            behave.step(step.pattern)(step.function)
    except AmbiguousStep as error:
        own = str(error).partition("existing step ")[2]
        raise StepClash(_clash(own, [step.pattern])) from None
    finally:
        matchers.use_step_matcher(chosen)


def check_clashes(steps: Iterable[ReadyStep], registry: StepRegistry) -> None:
    """Raise if a step of the project itself has the same text as a predefined one.

    behave itself detects this only for steps of the same keyword; otherwise the project's step
    would silently win.

    Raises:
        StepClash: There is such a step; the sentence names its place.
    """
    examples = {step.pattern: step.text for step in steps}
    ready = [one for one in registry.steps["step"] if isinstance(one, ReadyMatcher)]
    for kind in ("given", "when", "then", "step"):
        for own in registry.steps[kind]:
            if isinstance(own, ReadyMatcher):
                continue
            same = [
                one.pattern
                for one in ready
                if one.matches(own.pattern) or own.matches(examples[one.pattern])
            ]
            if same:
                raise StepClash(_clash(own.describe(own.SCHEMA_AT_LOCATION), same))


def _clash(own: str, patterns: list[str]) -> str:
    return (
        f"the project's step {own} says the same as the ready step {patterns[0]!r}: word it "
        f"differently, or leave the ready one out with use_steps(without={patterns})"
    )
