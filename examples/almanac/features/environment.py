"""Starts the program once, and gives each scenario an empty book and a visitor.

`-D program=dist/almanac` walks a frozen program instead of the source. In the pipeline the stage
has started the program already, over a copy of the seeded book: scenarios tagged @seeded get it as
it was. Without a seeded book they are skipped.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from behave.model import Scenario, Step
from behave.runner import Context
from support.http import HttpSession
from support.program import Program, Started


def before_all(context: Context) -> None:
    """Start the program; whatever happens, it is ended."""
    context.browsers = []
    context.add_cleanup(lambda: [browser.quit() for browser in context.browsers])
    url, database = os.environ.get("SLIPWAY_BASE_URL"), os.environ.get("SLIPWAY_DATABASE")
    if url and database:
        context.program = Started(url, Path(database))
        context.add_cleanup(context.program.stop)
        return
    folder = tempfile.TemporaryDirectory(prefix="almanac-", ignore_cleanup_errors=True)
    context.add_cleanup(folder.cleanup)
    given = context.config.userdata.get("program")
    command = str(Path(given).resolve()) if given else None
    context.program = Program(Path(folder.name), command)
    context.add_cleanup(context.program.stop)
    context.program.start()


def before_scenario(context: Context, scenario: Scenario) -> None:
    """Empty the book and send a visitor: with a browser if the scenario is tagged so."""
    if "seeded" not in scenario.effective_tags:
        context.program.empty()
    elif isinstance(context.program, Started):
        context.program.restore()
    else:
        scenario.skip("it needs the seeded book of the pipeline's features stage")
        return
    context.helper = HttpSession(context.program.url)
    if "javascript" in scenario.effective_tags:
        from support.browser import BrowserSession

        context.session = BrowserSession(context.program.url, _browser(context))
    else:
        context.session = HttpSession(context.program.url)


def _browser(context: Context) -> object:
    """Start the browser at the first scenario that needs it."""
    if not context.browsers:
        from support.browser import start_browser

        context.browsers.append(start_browser())
    return context.browsers[0]


def after_step(context: Context, step: Step) -> None:
    """Keep what the visitor saw when a step failed."""
    if step.status.name in ("failed", "error"):
        for kind, data in context.session.evidence():
            context.attach(kind, data)


def after_scenario(context: Context, scenario: Scenario) -> None:
    """Forget the visitor."""
    for name in ("session", "helper"):
        if name in context:
            getattr(context, name).close()
