"""Steps that every visitor can take, with JavaScript or without."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from support import pages
from support.checks import equal, expect


@given('"{name}" is in the book with the address "{email}"')
def somebody(context: Context, name: str, email: str) -> None:
    visitor = context.helper
    visitor.open("/people/new")
    visitor.fill("Name", name)
    visitor.fill("E-mail", email)
    visitor.press("Save")
    assert f"{name} was saved." in visitor.text(), visitor.text()


@given("these appointments")
def appointments(context: Context) -> None:
    visitor = context.helper
    for row in context.table:
        visitor.open("/appointments/new")
        visitor.choose("Person", row["Person"])
        for label in ("Title", "Day", "From", "To"):
            visitor.fill(label, row[label])
        visitor.press("Save")
        assert "was saved." in visitor.text(), visitor.text()


@given('I am on "{path}"')
@when('I open "{path}"')
def open_page(context: Context, path: str) -> None:
    context.session.open(path)


@when('I follow "{name}"')
def follow(context: Context, name: str) -> None:
    expect(context, lambda: context.session.follow(name))


@when('I press "{name}"')
def press(context: Context, name: str) -> None:
    expect(context, lambda: context.session.press(name))


@when('I fill in "{label}" with "{text}"')
def fill(context: Context, label: str, text: str) -> None:
    expect(context, lambda: context.session.fill(label, text))


@when('I clear "{label}"')
def clear(context: Context, label: str) -> None:
    expect(context, lambda: context.session.fill(label, ""))


@when('I choose "{option}" from "{label}"')
def choose(context: Context, option: str, label: str) -> None:
    expect(context, lambda: context.session.choose(label, option))


@then('I should see "{text}"')
def see(context: Context, text: str) -> None:
    def check() -> None:
        shown = context.session.text()
        assert text in shown, f"{text!r} is not in: {shown}"

    expect(context, check)


@then('I should not see "{text}"')
def not_see(context: Context, text: str) -> None:
    def check() -> None:
        shown = context.session.text()
        assert text not in shown, f"{text!r} is in: {shown}"

    expect(context, check)


@then('I should be on "{path}"')
def be_on(context: Context, path: str) -> None:
    expect(context, lambda: equal(context.session.path(), path))


@then('the title is "{title}"')
def title_is(context: Context, title: str) -> None:
    expect(context, lambda: equal(context.session.title(), title))


@then('beside "{label}" I should read "{text}"')
def beside(context: Context, label: str, text: str) -> None:
    expect(context, lambda: equal(context.session.texts(pages.problem(label)), [text]))


@then('"{label}" holds "{text}"')
def holds(context: Context, label: str, text: str) -> None:
    expect(context, lambda: equal(context.session.value(label), text))


@then("the day has these appointments")
def day_has(context: Context) -> None:
    titles = f"{pages.APPOINTMENTS}//a[@class = 'title']"
    begins = f"{pages.APPOINTMENTS}//time[1]"

    def check() -> None:
        shown = zip(context.session.texts(begins), context.session.texts(titles), strict=True)
        equal(list(shown), [(row["From"], row["Title"]) for row in context.table])

    expect(context, check)
