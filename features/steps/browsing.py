"""People with a browser, in Buildbot's own web UI."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from support.browser import PATIENCE, sign_in

from slipway.sessions.drivers import Sessions
from slipway.sessions.settings import Settings
from slipway.sessions.visitors import Visitors


@given("a stranger with a browser")
def stranger(context: Context) -> None:
    sessions = Sessions(Settings(context.site.url), patience=PATIENCE)
    context.add_cleanup(sessions.close, layer="scenario")
    context.sessions = Visitors(sessions, context.tags_of_scenario)
    context.session = context.sessions.first


@given("the admin has signed in with a browser")
def signed_in(context: Context) -> None:
    stranger(context)
    sign_in(context.session, "admin", context.site.password())


@when('they open the page of the stage "{stage}"')
def open_stage(context: Context, stage: str) -> None:
    context.session.visit(f"#/builders/{context.watcher.builder(stage)}")
    context.session.see(f"demo.{stage}")


@when('they press "{name}"')
def press(context: Context, name: str) -> None:
    context.session.press(name)


@then('they read "{text}"')
def read(context: Context, text: str) -> None:
    context.session.see(text)
