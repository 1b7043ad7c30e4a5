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


@then('the dialog asks for "{labels}"')
def asks_for(context: Context, labels: str) -> None:
    wanted = set(labels.split(", "))
    context.browser.patiently(lambda: wanted <= set(context.browser.fields()), f"fields {labels}")
    for name in ("branch", "revision", "reason"):
        assert context.browser.has_field(name), name


@when('they fill in "{field}" with "{text}"')
def fill(context: Context, field: str, text: str) -> None:
    context.browser.fill(field, text)


@then('they read "{text}"')
def read(context: Context, text: str) -> None:
    context.browser.see(text)


@then("they see the builds of that run succeed")
def see_builds(context: Context) -> None:
    """Each build of the run has a page, and that page says so."""
    for build in context.watcher.builds_of(context.newest):
        context.browser.open(f"#/builders/{build['builderid']}/builds/{build['number']}")
        context.browser.see("build successful")
