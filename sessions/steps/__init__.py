"""The predefined steps. A project's steps file is one line: `from slipway.sessions.steps import *`.

The import registers the steps with behave, as `use_steps()` does, which can leave some out.
"""

from __future__ import annotations

from collections.abc import Collection

from slipway.sessions.steps.assertions import SEEING
from slipway.sessions.steps.forms import FORMS
from slipway.sessions.steps.pages import PAGES
from slipway.sessions.steps.registry import ReadyStep, StepInfo, register
from slipway.sessions.steps.visitors import VISITORS

#: All steps, in the order for the documentation.
STEPS: tuple[ReadyStep, ...] = (*PAGES.steps, *FORMS.steps, *SEEING.steps, *VISITORS.steps)


def use_steps(*, without: Collection[str] = ()) -> None:
    """Register the predefined steps with behave; call this in a steps file.

    Args:
        without: Patterns of steps to leave out, as `slipway features --steps` lists them.

    Raises:
        ValueError: A pattern matches no step.
        StepClash: A step of the project itself has the same text as one of them.
    """
    known = {step.pattern for step in STEPS}
    for pattern in without:
        if pattern not in known:
            msg = f"there is no ready step {pattern!r} to leave out; see slipway features --steps"
            raise ValueError(msg)
    register(step for step in STEPS if step.pattern not in without)


def list_steps() -> list[StepInfo]:
    """Return the documentation of each predefined step."""
    return [step.info for step in STEPS]


def __getattr__(name: str) -> list[str]:
    # `import *` reads `__all__` each time, also in a second run in one process, where behave has
    # lost all steps and the module is not executed again. Other imports have no effect.
    if name == "__all__":
        use_steps()
        return ["list_steps", "use_steps"]
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
