"""What is printed is never an order to the terminal, whoever wrote it."""

import io
import unicodedata

import pytest
from rich.console import Console

from slipway.cli.lib.state_labels import mark
from slipway.cli.lib.terminal import terminal
from slipway.scripts.terminal_text import escape, plain

HOSTILE = "subj \x1b]0;pwned\a \x1b[31mRED\x1b[2J\x9b1A \u202egnp.exe\u2066 [bold]x[/] \r\x00\ud800"
SHOWN = (
    r"subj \x1b]0;pwned\x07 \x1b[31mRED\x1b[2J\x9b1A "
    r"\u202egnp.exe\u2066 [bold]x[/] \r\x00\ud800"
)


def test_what_a_terminal_obeys_is_shown():
    assert plain(HOSTILE) == SHOWN
    assert plain("Zoë 李 مرحبا\n\tnext") == "Zoë 李 مرحبا\n\tnext"


def test_no_control_character_is_left():
    every = "".join(chr(code) for code in range(0x11000))
    left = {one for one in plain(every) if unicodedata.category(one) in {"Cc", "Cs"}}
    assert left == {"\n", "\t"}
    assert not {one for one in plain(every) if unicodedata.bidirectional(one) in {"RLO", "LRO"}}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_neither_markup_nor_orders_reach_the_output(is_terminal):
    written = io.StringIO()
    console = Console(file=written, force_terminal=is_terminal, color_system=None, width=300)
    console.print(f"{mark('failed')}{escape(HOSTILE)}")
    assert SHOWN in written.getvalue()


def test_text_that_is_no_markup_is_made_plain(capsys):
    terminal().print(HOSTILE, markup=False)
    assert capsys.readouterr().out == f"{SHOWN}\n"
