"""Gives each feature a site of its own, and each scenario its visitors.

The site lies in a temporary folder and listens on ports that nobody uses. The Background of the
feature says which stages it has and starts it. Whatever happens, it is ended with everything it
started. Scenarios tagged @javascript need chromedriver and a Chromium; without, they are skipped.
"""

from __future__ import annotations

import logging
import sys

from behave.model import Feature, Scenario, Step
from behave.runner import Context
from support.browser import missing
from support.site import FeatureSite


def before_all(_context: Context) -> None:
    """Keep each request out of the report."""
    logging.getLogger("httpx").setLevel(logging.WARNING)


def before_feature(context: Context, feature: Feature) -> None:
    """Make a folder with a repository; the Background starts the site in it."""
    lacking = missing()
    if lacking and "javascript" in feature.tags:
        print(f"SKIPPED {feature.name!r}: {lacking}", file=sys.__stderr__)
    for scenario in feature.walk_scenarios():
        if lacking and "javascript" in scenario.effective_tags:
            scenario.skip(lacking)
    if all(scenario.should_skip for scenario in feature.walk_scenarios()):
        return
    context.site = FeatureSite()
    context.add_cleanup(context.site.end)
    context.site.make_repository()


def before_scenario(context: Context, scenario: Scenario) -> None:
    """Nobody has opened a browser yet."""
    context.browser = None


def after_step(context: Context, step: Step) -> None:
    """Keep what was to be seen when a step failed."""
    if step.status.name in ("failed", "error") and context.browser is not None:
        for kind, data in context.browser.evidence():
            context.attach(kind, data)
