"""Monkey patches of behave, few and as narrow as possible.

behave has no way to retry a scenario, to survive sys.exit in a step, or to tell which hook failed
where; its formatters see neither hooks nor cleanups.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any

from . import plan as feature_plan
from . import sources
from .errors import StepExited, WrongInput, details, failed_import, one_line, place, relative
from .runner import Run
from .verdicts import HookError

__all__ = ["Attachments", "install", "make_runner", "wrap_hooks"]


def install(run: Run) -> None:
    """Patch behave's scenarios, steps, step functions, cleanups and its feature parser."""
    from behave import matchers, model, parser
    from behave.runner import Context

    parser.parse_file = sources.parse
    run_scenario, run_step, run_match = model.Scenario.run, model.Step.run, matchers.Match.run

    def scenario(self: Any, runner: Any) -> Any:
        return run.run_scenario(run_scenario, self, runner)

    def step(self: Any, *args: Any, **named: Any) -> Any:
        return run.run_step(run_step, self, *args, **named)

    def match(self: Any, context: Any) -> Any:
        try:
            running = run.steps[0] if run.steps else None
            with run.watch.over("step", lambda: _name(running)):
                return run_match(self, context)
        except SystemExit as error:
            raise StepExited(f"the step called sys.exit({error.code!r})").with_traceback(
                error.__traceback__
            ) from None

    model.Scenario.run, model.Step.run, matchers.Match.run = scenario, step, match
    _record_cleanups(run, Context)


def _name(step: Any) -> str:
    if step is None:
        return "a step"
    return f"{relative(str(step.filename))}:{step.line}: the step {step.keyword} {step.name}"


def _record_cleanups(run: Run, context: Any) -> None:
    original = getattr(context, "print_cleanup_error", None)
    if original is None:
        return

    def record(ctx: Any, cleanup: Any, error: BaseException) -> Any:
        name = getattr(cleanup, "__name__", "") or repr(cleanup)
        run.hooks.append(_hook_error(f"the cleanup {name}", error))
        return original(ctx, cleanup, error)

    context.print_cleanup_error = staticmethod(record)


def _hook_error(name: str, error: BaseException) -> HookError:
    file, line = place(error.__traceback__)
    return HookError(name, one_line(error), file, line, details(error))


def wrap_hooks(run: Run, hooks: Any) -> None:
    """Wrap hooks to record their exceptions and to watch for hangs."""
    kinds = ("all", "feature", "rule", "scenario", "step", "tag")
    for name in [f"{when}_{kind}" for when in ("before", "after") for kind in kinds]:
        if callable(hooks.get(name)):
            hooks[name] = _recorded(run, name, hooks[name])


def _recorded(run: Run, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(hook)
    def wrapped(*args: Any, **named: Any) -> Any:
        try:
            with run.watch.over("step", f"the hook {name}"):
                return hook(*args, **named)
        except SystemExit as error:
            exited = StepExited(f"it called sys.exit({error.code!r})")
            run.hooks.append(_hook_error(name, exited.with_traceback(error.__traceback__)))
            raise exited from None
        except Exception as error:
            run.hooks.append(_hook_error(name, error))
            raise
        except KeyboardInterrupt:
            run.stopped = run.stopped or "the run was interrupted"
            raise

    return wrapped


class Attachments:
    """A formatter for behave that only saves attachments."""

    name = "slipway"
    description = "Keeps attachments as files"

    def __init__(self, run: Run) -> None:
        """Save attachments in a run's evidence folder."""
        self._run = run

    def embedding(self, mime_type: str, data: Any, *more: Any, **named: Any) -> None:
        """Save one attachment; later versions of behave may pass a name."""
        name = more[0] if more else named.get("name") or named.get("caption") or ""
        # behave does not pass names yet; ours are attributes of the data.
        name = name or getattr(data, "name", "")
        kept = self._run.evidence.keep(mime_type, data, str(name or ""))
        if self._run.scenario is None:
            self._run.events.emit("attachment", **kept)

    def __getattr__(self, name: str) -> Any:
        """Return a no-op for any other method that behave calls on formatters."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_args, **_named: None


def make_runner(run: Run, base: Any, config: Any) -> Any:
    """Create a runner that reads, checks and claims features as the run needs.

    Args:
        run: The run.
        base: The runner class that the project has chosen.
        config: behave's configuration.
    """
    from behave.runner import Context, make_formatters

    class ClaimingRunner(base):  # type: ignore[misc]  # known only now
        """The runner of one of several processes."""

        def setup_paths(self) -> None:
            try:
                super().setup_paths()
            except FileNotFoundError as error:
                name = error.filename or error
                raise WrongInput(f"there is no {name}, which the arguments name", "path") from None

        def run_with_paths(self) -> Any:
            # behave and what it needs stay to the end: the garbage collector need not look at them.
            gc.freeze()
            gc.enable()
            self.context = Context(self)
            _loaded(self.load_hooks, config.environment_file)
            wrap_hooks(run, self.hooks)
            _loaded(self.load_step_definitions, f"the folder {config.steps_dir}")
            plan = feature_plan.make(config, run.settings, run.quarantine)
            self.features.extend(one.feature for one in plan.mine)
            import behave

            run.begin(plan, str(behave.__version__))
            self.formatters = [*make_formatters(config, config.outputs), Attachments(run)]
            return self.run_model(run.features(self))

    return ClaimingRunner(config)


def _loaded(load: Callable[[], Any], what: str) -> None:
    try:
        load()
    except WrongInput:
        raise
    except FileNotFoundError as error:
        if error.filename and str(error.filename).endswith("steps"):
            text = f"there is no folder {error.filename}; put step definitions there"
            raise WrongInput(text, "path") from None
        raise failed_import(error, what) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  the user's module raises anything
        raise failed_import(error, what) from None
