"""Gives features their sites, and each scenario its visitors.

Most features have a site of their own, in a temporary folder, on ports that nobody uses; the
Background says which stages it has and starts it. Those tagged @almanac share one, which starts
with the first of them. Whatever happens, each is ended with everything it started. Scenarios tagged
@javascript need chromedriver and a Chromium; without, they are skipped.
"""

from __future__ import annotations

import logging
import sys

from behave.model import Feature, Scenario, Step
from behave.runner import Context
from support.browser import missing
from support.shared import Shared
from support.site import FeatureSite

from slipway.sessions.evidence import evidence_folder, keep
from slipway.sessions.session import Evidence


def before_all(context: Context) -> None:
    """Keep each request out of the report; prepare the site that features share."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    context.shared = Shared()
    context.add_cleanup(context.shared.end)


def before_feature(context: Context, feature: Feature) -> None:
    """Make a folder with a repository; the Background starts the site in it."""
    lacking = missing()
    if lacking and "javascript" in feature.tags:
        print(f"SKIPPED {feature.name!r}: {lacking}", file=sys.__stderr__)
    for scenario in feature.walk_scenarios():
        if lacking and "javascript" in scenario.effective_tags:
            scenario.skip(lacking)
    if "almanac" in feature.tags or all(one.should_skip for one in feature.walk_scenarios()):
        return
    context.site = FeatureSite()
    context.add_cleanup(context.site.end)
    context.site.make_repository()


def before_scenario(context: Context, scenario: Scenario) -> None:
    """Nobody has opened a browser yet."""
    context.sessions = context.session = None
    context.evidence_folder = evidence_folder(scenario.name)
    context.tags_of_scenario = [str(tag) for tag in scenario.effective_tags]


def after_step(context: Context, step: Step) -> None:
    """Keep what was to be seen when a step failed."""
    if step.status.name not in ("failed", "error"):
        return
    if context.sessions is not None:
        keep(context, context.sessions.evidence())
    if "site" in context:
        said = context.site.said().encode()
        keep(context, [Evidence("site.txt", "text/plain", said, "What the site has said")])
