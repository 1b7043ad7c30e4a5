"""Predefined steps that open pages and check the address."""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

from behave.runner import Context

from slipway.sessions.errors import SessionError
from slipway.sessions.session import Session
from slipway.sessions.steps.registry import Vocabulary

__all__ = [
    "PAGES",
    "back",
    "be_on",
    "be_on_homepage",
    "click",
    "follow",
    "forward",
    "open_homepage",
    "open_page",
    "press",
    "print_page",
    "regular",
    "reload",
    "status_is",
    "status_is_not",
    "title_is",
    "url_matches",
]

PAGES = Vocabulary()


@PAGES.when('I go to "{page}"', 'I visit "{page}"', example='When I go to "/items?page=2"')
@PAGES.given('I am on "{page}"', example='Given I am on "/login"')
def open_page(context: Context, page: str) -> None:
    """Open a page by its path or whole URL."""
    context.session.visit(page)


@PAGES.when("I go to the homepage", example="When I go to the homepage")
@PAGES.given("I am on the homepage", example="Given I am on the homepage")
def open_homepage(context: Context) -> None:
    """Open the base URL."""
    context.session.visit("/")


@PAGES.when("I reload the page", example="When I reload the page")
def reload(context: Context) -> None:
    """Load the page again."""
    context.session.reload()


@PAGES.when("I move backward one page", example="When I move backward one page")
def back(context: Context) -> None:
    """Go back one page in the history."""
    context.session.back()


@PAGES.when("I move forward one page", example="When I move forward one page")
def forward(context: Context) -> None:
    """Go forward one page in the history."""
    context.session.forward()


@PAGES.when('I follow "{link}"', example='When I follow "Log in"')
def follow(context: Context, link: str) -> None:
    """Follow a link by its text, id, title or the alternative text of its image."""
    context.session.follow(link)


@PAGES.when('I press "{button}"', example='When I press "Save"')
def press(context: Context, button: str) -> None:
    """Press a button by its text, value, id, name or title."""
    context.session.press(button)


@PAGES.when('I click "{name}"', 'I click on "{name}"', example='When I click "More"')
def click(context: Context, name: str) -> None:
    """Click a link or a button."""
    context.session.click(name)


@PAGES.then("I should be on the homepage", example="Then I should be on the homepage")
def be_on_homepage(context: Context) -> None:
    """Expect to be at the base URL."""
    be_on(context, "/")


@PAGES.then('I should be on "{page}"', example='Then I should be on "/items"')
def be_on(context: Context, page: str) -> None:
    """Expect to be on a page; its query and fragment count only where they are written."""
    session: Session = context.session
    wanted = session.absolute(page)
    session.wait(
        lambda: _same_page(session.url, wanted),
        lambda: f"the page is {session.url}, not {wanted}",
    )


def _same_page(now: str, wanted: str) -> bool:
    here, there = urlsplit(now), urlsplit(wanted)
    same = here[:2] == there[:2] and (here.path or "/") == (there.path or "/")
    same = same and there.query in ("", here.query)
    return same and there.fragment in ("", here.fragment)


@PAGES.then(
    'the url should match "{expression}"',
    'the URL should match "{expression}"',
    example=r'Then the url should match "^/items/\d+$"',
)
def url_matches(context: Context, expression: str) -> None:
    """Expect the address, whole or from its path on, to match a regular expression somewhere."""
    wanted, session = regular(expression), context.session

    def matches() -> bool:
        path = urlsplit(session.url)._replace(scheme="", netloc="").geturl()
        return bool(wanted.search(path) or wanted.search(session.url))

    session.wait(matches, lambda: f'the address {session.url} does not match "{expression}"')


@PAGES.then(
    "the response status code should be {status:number}",
    example="Then the response status code should be 200",
)
def status_is(context: Context, status: str) -> None:
    """Expect an HTTP status (plain HTTP only)."""
    now = context.session.status
    _expect(now == int(status), f"{context.session.url} answered with status {now}, not {status}")


@PAGES.then(
    "the response status code should not be {status:number}",
    example="Then the response status code should not be 500",
)
def status_is_not(context: Context, status: str) -> None:
    """Expect any other HTTP status (plain HTTP only)."""
    now = context.session.status
    _expect(now != int(status), f"{context.session.url} answered with status {now}")


@PAGES.then('the title should be "{title}"', example='Then the title should be "Shop"')
def title_is(context: Context, title: str) -> None:
    """Expect the page's title."""
    session = context.session
    session.wait(
        lambda: session.title == title,
        lambda: f'the title of {session.url} is "{session.title}", not "{title}"',
    )


@PAGES.then("print the page", "I print the page", example="Then print the page")
def print_page(context: Context) -> None:
    """Print the page's address and HTML on the terminal, to see what is wrong."""
    # behave shows a step's output only when it fails.
    out = sys.__stderr__ or sys.stderr
    out.write(f"{context.session.url}\n{context.session.html}\n")
    out.flush()


def regular(expression: str) -> re.Pattern[str]:
    """Compile a regular expression.

    Raises:
        SessionError: The expression is invalid.
    """
    try:
        return re.compile(expression)
    except re.error as error:
        msg = f'"{expression}" is no regular expression: {error}'
        raise SessionError(msg) from None


def _expect(condition: bool, sentence: str) -> None:  # noqa: FBT001  reads as a sentence
    if not condition:
        raise SessionError(sentence)
