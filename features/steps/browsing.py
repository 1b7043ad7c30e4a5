"""People with a browser, in Buildbot's own web UI."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from support.browser import Browser


@given("a stranger with a browser")
def stranger(context: Context) -> None:
    context.browser = Browser(context.site.url)
    context.add_cleanup(context.browser.quit, layer="scenario")


@given("the admin has signed in with a browser")
def signed_in(context: Context) -> None:
    stranger(context)
    context.browser.sign_in("admin", context.site.password())


@when('they open the page of the stage "{stage}"')
def open_stage(context: Context, stage: str) -> None:
    context.browser.open(f"#/builders/{context.watcher.builder(stage)}")
    context.browser.see(f"demo.{stage}")


@when('they press "{name}"')
def press(context: Context, name: str) -> None:
    context.browser.press(name)


@then('they read "{text}"')
def read(context: Context, text: str) -> None:
    context.browser.see(text)
