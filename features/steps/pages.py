"""People with a browser on Slipway's pages."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from behave import given, then, when
from behave.runner import Context
from support.almanac import PASSWORD
from support.browser import sign_in

from tests.support.machine import wait_for

DIALOG = "dialog[open]:last-of-type"
#: Set in a page, and gone when the page is loaded anew.
MARK = "window.slipwayFeature"


@given('"{name}" has a browser')
def has_browser(context: Context, name: str) -> None:
    if context.sessions is None:
        context.sessions = context.shared.visitors(context.tags_of_scenario)
        context.add_cleanup(context.sessions.leave, layer="scenario")
    context.session = context.sessions.open(name)


@given('"{name}" has signed in')
def signed_in(context: Context, name: str) -> None:
    has_browser(context, name)
    sign_in(context.session, name, PASSWORD)


@when('"{name}" goes on')
def goes_on(context: Context, name: str) -> None:
    context.session = context.sessions.open(name)


# ---- pages


@given('they are on the page "{page}"')
@when('they open the page "{page}"')
def open_page(context: Context, page: str) -> None:
    context.session.visit(f"#/{page}")
    context.session.see_element("css", ".sw-root h1")


@when("they look at the run of the moon")
def open_moon(context: Context) -> None:
    open_page(context, f"pipelines/moon/{context.number}")


@when('they open the dialog of "{stage}"')
def open_dialog(context: Context, stage: str) -> None:
    """By the button in the box of the gate, whatever this person may do with it."""
    open_page(context, f"pipelines/almanac/{context.number}?stage={stage}")
    box = f"//*[contains(@class, 'sw-box-gate')][.//bdi[. = '{stage}']]"
    with context.session.within("xpath", box):
        context.session.follow("…")
    context.session.see_element("css", ".sw-what")


@then("they are on the page of a new run")
def on_new_run(context: Context) -> None:
    context.number = context.newest_before + 1
    ending = f"#/pipelines/almanac/{context.number}"
    session = context.session
    session.wait(lambda: session.url.endswith(ending), lambda: f"{session.url}, not {ending}")


@then('the first test is "{name}" and says "{message}"')
def first_test(context: Context, name: str, message: str) -> None:
    with context.session.within("css", ".sw-testlist li:first-child"):
        context.session.see(name)
        context.session.see(message)


@then('"{environment}" is shown with the release of this run')
def environment_shown(context: Context, environment: str) -> None:
    version = context.watcher.run(context.number)["version"]
    with context.session.within("css", f"article[aria-label='almanac {environment}'] .sw-now"):
        context.session.see(version)


@then('the release of this run is shown as deployed to "{environment}"')
def release_shown(context: Context, environment: str) -> None:
    version = context.watcher.run(context.number)["version"]
    with context.session.within("css", f"article[aria-label='Release {version}'] header"):
        context.session.see(environment)


@given("they keep what they download")
def keep_downloads(context: Context) -> None:
    context.downloads = context.site.folder / "downloads"
    context.session.browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior",
        {"behavior": "allow", "downloadPath": str(context.downloads)},
    )


@then('the file "{name}" tells who opened gates')
def downloaded(context: Context, name: str) -> None:
    file = context.downloads / name
    text = wait_for(lambda: file.is_file() and file.read_text(), lambda: f"no {name}")
    kind = file.suffix.removeprefix(".")
    rows = json.loads(text)["items"] if kind == "json" else list(csv.DictReader(text.splitlines()))
    opened = [one for one in rows if (one["entity"], one["actor"]) == ("gate", "ann")]
    assert opened, text[:2000]


# ---- in a dialog


@contextmanager
def dialog(context: Context) -> Iterator[None]:
    """Look inside the dialog that is on top."""
    with context.session.within("css", DIALOG):
        yield


@when('they press "{button}" in the dialog')
def press_in_dialog(context: Context, button: str) -> None:
    with dialog(context):
        context.session.press(button)


@when("they fill in the dialog")
def fill_dialog(context: Context) -> None:
    """A row for each field; behave takes the first for headings."""
    for field, text in (context.table.headings, *(row.cells for row in context.table)):
        with dialog(context):
            if context.session.all("select", field):
                context.session.choose(text, field)
            else:
                context.session.fill(field, text)


@when('they choose "{option}" for "{field}"')
def choose(context: Context, option: str, field: str) -> None:
    """As a list or as radio buttons: which it is depends on how many there are."""
    with dialog(context), context.session.within("xpath", row_of(field)):
        if context.session.all("select", field):
            context.session.choose(option, field)
        else:
            context.session.choose_radio(option)


@when("they choose the release before")
def choose_before(context: Context) -> None:
    version = context.watcher.run(context.deployed[1])["version"]
    with dialog(context):
        context.session.press(version)


@when('they choose the release before for "{field}"')
def choose_release(context: Context, field: str) -> None:
    context.chosen = context.watcher.run(context.watcher.deployed("staging")[0])["version"]
    choose(context, context.chosen, field)


@then("the dialog says which release will be deployed instead")
def says_instead(context: Context) -> None:
    own = context.watcher.run(context.number)["version"]
    dialog_says(context, f"{context.chosen} will be deployed, as “Release” says, not {own}.")


@when('they type the invisible character {code} into "{field}"')
def type_invisible(context: Context, code: str, field: str) -> None:
    context.session.fill(field, f"Tides{chr(int(code.removeprefix('U+'), 16))}")


@then("the dialog is closed")
def dialog_closed(context: Context) -> None:
    context.session.see_no_element("css", "dialog[open]")


@then('the dialog says "{text}"')
def dialog_says(context: Context, text: str) -> None:
    with dialog(context):
        context.session.see(text)


@then('there is no button "{name}" in the dialog')
def no_button(context: Context, name: str) -> None:
    with dialog(context):
        context.session.see_no_element("button", name)


@when("they type these, and read under each")
def fill_wrongly(context: Context) -> None:
    for row in context.table:
        context.session.fill(row["field"], row["text"])
        read_under(context, row["field"], row["read"])


@then('under "{field}" they read "{told}"')
def read_under(context: Context, field: str, told: str) -> None:
    with context.session.within("xpath", row_of(field)):
        context.session.see(told)


def row_of(field: str) -> str:
    """Return the XPath of a question: its label, its control and what is said below."""
    label = f".//*[contains(@class, 'sw-field-label')][starts-with(., '{field}')]"
    return f"//div[contains(@class, 'sw-field')][{label}]"


# ---- what changes by itself


@given("they will notice when the page is loaded anew")
def mark(context: Context) -> None:
    context.session.execute(f"{MARK} = true")


@then("the page was not loaded anew")
def not_reloaded(context: Context) -> None:
    assert context.session.execute(f"return {MARK} === true")


@then('within {limit:d} seconds the chip of "{stage}" says "{state}"')
def chip_says(context: Context, limit: int, stage: str, state: str) -> None:
    """Counted from the moment at which the master has told anybody else."""
    context.watcher.see_stage(context.number, stage, state)
    begun = time.monotonic()
    chip = f"a[href*='almanac/{context.number}?stage={stage}']"
    with context.session.within("css", chip):
        context.session.see(state)
    took = time.monotonic() - begun
    assert took < limit, f"{took:.1f} s"


@then("this run comes into the list")
def run_in_list(context: Context) -> None:
    context.session.see(f"#{context.number}")


@when("they open a second window")
def second_window(context: Context) -> None:
    session = context.session
    there = set(session.windows)
    session.execute("window.open(location.href)")
    session.wait(lambda: set(session.windows) - there, lambda: "no second window")
    session.switch_window(session.windows[-1])


@when("they go to their first window")
def first_window(context: Context) -> None:
    context.session.switch_window(context.session.windows[0])


@then("each of their windows shows this run")
def each_window(context: Context) -> None:
    for window in context.session.windows:
        context.session.switch_window(window)
        run_in_list(context)


# ---- the master, and the session


@when("the master is killed")
def killed(context: Context) -> None:
    context.site.kill()


@when("the master is started again")
def started_again(context: Context) -> None:
    context.site.up()


@when("their session ends")
def session_ends(context: Context) -> None:
    context.session.clear_cookies()


@when('they sign in as "{name}" in another window and come back')
def sign_in_elsewhere(context: Context, name: str) -> None:
    session = context.session
    first = session.windows[0]
    second_window(context)
    sign_in(session, name, PASSWORD)
    session.close_window()
    session.switch_window(first)
