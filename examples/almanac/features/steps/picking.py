"""Steps in the zooming date picker; they need JavaScript."""

from __future__ import annotations

from behave import then, when
from behave.runner import Context
from support import pages
from support.checks import equal, expect

GRID = "//*[@role = 'dialog']//*[@role = 'grid']"
HEADING = "//*[@role = 'dialog']//button[@data-part = 'title']"


@when('I open the picker of "{label}"')
def open_picker(context: Context, label: str) -> None:
    button = f"{pages.field(label)}/following-sibling::button"
    expect(context, lambda: context.session.click(button))


@when("I zoom out")
def zoom_out(context: Context) -> None:
    context.session.click(HEADING)


@when('I pick "{name}"')
def pick(context: Context, name: str) -> None:
    context.session.click(f"{GRID}{pages.named('button', name)}")


@when('I hit the key "{name}"')
def hit(context: Context, name: str) -> None:
    context.session.key(name)


@then('the picker shows the {level} of "{title}"')
def shows(context: Context, level: str, title: str) -> None:
    expect(context, lambda: equal(context.session.texts(HEADING), [title]))
    path = f"{GRID}[@data-level = '{level}' and @aria-label = '{title}']"
    equal(len(context.session.texts(path)), 1)


@then('the picker offers "{labels}"')
def offers(context: Context, labels: str) -> None:
    found = context.session.texts(f"{GRID}//button[@role = 'gridcell']")
    equal(" ".join(found), labels)


@then('the focus is on "{name}"')
def focus_is_on(context: Context, name: str) -> None:
    expect(context, lambda: equal(context.session.focused(), name))


@then("the picker is closed")
def closed(context: Context) -> None:
    expect(context, lambda: equal(context.session.texts(GRID), []))
