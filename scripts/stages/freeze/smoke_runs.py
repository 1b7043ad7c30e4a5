"""Plan how a frozen program is started, and judge how it ended."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway.model.errors import WrongInput
from slipway.scripts.stages.freeze.programs import Program
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["GOES_ON", "Heard", "Start", "plan_starts", "words_of"]

#: Seconds after which a program that goes on unfrozen has started frozen, too.
GOES_ON = 10.0
#: Characters of a program's output that are kept; it may print without end.
_MOST = 200_000
_ASKED = (("--help",), ("--version",))
_PATH = re.compile(r"\S*[/\\]\S*")
_WORD = re.compile(r"[^\W\d_][\w-]{2,}")


@dataclass(frozen=True)
class Start:
    """One start of a program, and how it has to end."""

    program: str
    arguments: tuple[str, ...]
    expect: str | None = None
    code: int | None = 0
    """The exit code it has to end with; None: it goes on by itself."""
    as_unfrozen: bool = False
    """True: it has to end as the unfrozen program does; False: as the settings say."""
    lacks_nothing: bool = True
    """False: the unfrozen program already says that it lacks something."""
    unfrozen_seconds: float | None = None
    """What it took unfrozen, to its end; None: unknown."""
    words: frozenset[str] = frozenset()
    """What it says unfrozen where it is asked for --help or --version; see `words_of`."""

    @property
    def command(self) -> str:
        """The command as a person would type it."""
        return " ".join([self.program, *self.arguments])

    @property
    def reason(self) -> str:
        """Why something is taken that this start uses."""
        return f"used by `{self.command}`"


def plan_starts(stage: FreezeStage, programs: Sequence[Program]) -> tuple[Start, ...]:
    """Return the runs of a stage's `smoke`.

    Raises:
        WrongInput: A run names a program that is not frozen.
    """
    if stage.smoke is None:
        return tuple(
            Start(program.name, arguments, as_unfrozen=True)
            for program in programs
            for arguments in (((),) if program.gui else _ASKED)
        )
    names = [program.name for program in programs]
    for run in stage.smoke:
        if run.program is not None and run.program not in names:
            msg = f'smoke: there is no program "{run.program}"; there are {", ".join(names)}'
            raise WrongInput(msg)
    return tuple(
        Start(run.program or names[0], run.arguments, run.expect, run.exit_code)
        for run in stage.smoke
    )


def words_of(text: str) -> frozenset[str]:
    """Return the words of a program's output: its lines are wrapped by the length of its name.

    Args:
        text: The output; paths and numbers in it are left out, as they differ by place and time.
    """
    return frozenset(word.lower() for word in _WORD.findall(_PATH.sub(" ", text)))


class Heard:
    """The last output of a program, which is logged as well."""

    def __init__(self, log: Callable[[str], None]) -> None:
        """Pass what is heard on to `log`."""
        self._log = log
        self._blocks: deque[str] = deque()
        self._size = 0

    def __call__(self, block: str) -> None:
        """Hear one or more lines."""
        self._log(block)
        self._blocks.append(block)
        self._size += len(block)
        while self._size > _MOST and len(self._blocks) > 1:
            self._size -= len(self._blocks.popleft())

    @property
    def text(self) -> str:
        """What was heard last."""
        return "".join(self._blocks)[-_MOST:]
