"""Tables in a pipe: a row is as long as what is in it."""

import pytest
from rich.table import Table

from slipway.cli.lib.tables import print_table

ROWS = (("1", "short", ""), ("22", "s", "a summary " * 40 + "end"), ("3", "two\nlines", "x"))


@pytest.mark.parametrize("head", [True, False])
def test_no_row_of_a_pipe_ends_in_blanks(capsys, head):
    table = Table(box=None, pad_edge=False, show_header=head)
    for title in ("n", "state", "what became of it"):
        table.add_column(title, no_wrap=True)
    for row in ROWS:
        table.add_row(*row)
    print_table(table)
    lines = capsys.readouterr().out.splitlines()
    told = [
        *["n   state  what became of it"] * head,
        "1   short",
        "22  s      " + "a summary " * 40 + "end",
        "3   two    x",
        "    lines",
    ]
    assert lines == told
