"""Hooks for behave: a session for each scenario, evidence for each failed step.

A project's environment.py is one line:

    from slipway.sessions.integrations.behave_hooks import *

or calls these functions from hooks of its own. Steps then find `context.session`, the session that
the scenario's tags select, and `context.sessions`, which opens further visitors.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from behave.configuration import Configuration
from behave.model import Scenario, Step
from behave.runner import Context

from slipway.sessions.errors import DriverMissing
from slipway.sessions.evidence import evidence_folder, keep
from slipway.sessions.settings import Settings, read_settings
from slipway.sessions.steps import STEPS
from slipway.sessions.steps.registry import check_clashes
from slipway.sessions.visitors import Visitors, sessions_of

if TYPE_CHECKING:
    from slipway.sessions.drivers import Sessions

__all__ = ["after_all", "after_scenario", "after_step", "before_all", "before_scenario"]


@dataclass
class _Run:
    """State of one run of behave."""

    settings: Settings
    sessions: Sessions


_RUNS: WeakKeyDictionary[Configuration, _Run] = WeakKeyDictionary()


def before_all(context: Context) -> None:
    """Check the project's own steps for clashes with predefined ones.

    Raises:
        StepClash: One of them has the same text as a predefined one.
    """
    check_clashes(STEPS, context._runner.step_registry)  # noqa: SLF001  no other way to them


def before_scenario(context: Context, scenario: Scenario) -> None:
    """Open a scenario's session; without a browser it fails, or is skipped if the settings say so.

    Settings are read with the first scenario, so before_all may still change them:
    `context.config.userdata["base_url"] = ...`.

    Raises:
        WrongSetting: The application's address is not set, or a setting is invalid.
        DriverMissing: The scenario needs a browser, and none is installed.
    """
    context.session = context.sessions = None
    context.evidence_folder = evidence_folder(scenario.name)
    if scenario.should_skip:
        return
    run = _run(context)
    visitors = Visitors(run.sessions, [str(tag) for tag in scenario.effective_tags])
    context.add_cleanup(visitors.leave)
    try:
        context.session = visitors.first
    except DriverMissing as missing:
        if run.settings.without_browser != "skip":
            raise
        scenario.skip(str(missing))
        out = sys.__stderr__ or sys.stderr
        out.write(f"SKIPPED {scenario.name!r}: {missing}\n")
        return
    context.sessions = visitors


def after_step(context: Context, step: Step) -> None:
    """Save the pages of all visitors after a failed step, and a film of a retried scenario."""
    if step.status.name in ("failed", "error"):
        _keep(context)
    elif context.sessions is not None and _again(context):
        keep(context, context.sessions.film(f"{step.keyword} {step.name}"))


def _again(context: Context) -> bool:
    """Return True if `slipway features` runs this attempt as a retry of the scenario."""
    return str(context.config.userdata.get("slipway.attempt", 1)) != "1"


def after_scenario(context: Context, scenario: Scenario) -> None:
    """End the visitors' sessions; after a failed hook save their pages first."""
    if context.sessions is None:
        return
    if getattr(scenario, "hook_failed", False):
        _keep(context)
    context.sessions.leave()


def after_all(context: Context) -> None:
    """End all sessions, and the browsers with them."""
    run = _RUNS.pop(context.config, None)
    if run is not None:
        run.sessions.close()


def _run(context: Context) -> _Run:
    run = _RUNS.get(context.config)
    if run is None:
        settings = read_settings(context.config.userdata, os.environ, Path.cwd())
        run = _RUNS[context.config] = _Run(settings, sessions_of(settings))
        # Clean-up for a project that does not call after_all.
        context.add_cleanup(run.sessions.close, layer="testrun")
    return run


def _keep(context: Context) -> None:
    sessions: Visitors | None = context.sessions
    if sessions is not None:
        keep(context, sessions.evidence())
