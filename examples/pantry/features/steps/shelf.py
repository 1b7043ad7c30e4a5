"""What many scenarios begin with."""

from __future__ import annotations

from behave import given
from behave.runner import Context


@given('there is "{amount}" of "{thing}"')
def there_is(context: Context, amount: str, thing: str) -> None:
    """Put a thing on the shelf, as a person does."""
    session = context.session
    session.fill("Thing", thing)
    session.fill("Amount", amount)
    session.press("Put on the shelf")
    session.see_element("row", thing)
