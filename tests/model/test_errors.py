"""One line about an exception of anybody's code."""

import pytest

from slipway.model.errors import error_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad\nmore"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError("\nlater"), "ValueError"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 288),
    ],
)
def test_the_first_line_with_its_class(error, line):
    assert error_line(error) == line
