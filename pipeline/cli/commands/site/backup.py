"""`slipway backup`."""

from __future__ import annotations

import argparse

from slipway.backup import Made, make
from slipway.cli.lib.running_site import running_site
from slipway.cli.lib.terminal import terminal
from slipway.model.errors import PASSED, StageFailed
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.terminal_text import escape
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Make a backup and print its contents, and what it lacks.

    Returns:
        0, or 1 if the audit trail or the store is damaged, and so is the copy.
    """
    site = running_site(options)
    home = Home.beside(options.config)
    made = make(home, home.database_url(site), options.target, everything=options.all)
    return _print_result(made, home, str(options.config.resolve()))


def _print_result(made: Made, home: Home, config: str) -> int:
    console = terminal()

    def print_line(sentence: str) -> None:
        console.print(escape(sentence))

    size, checked = size_text(made.database.stat().st_size), made.checked
    trail = "its audit trail is of another version of Slipway and was not checked"
    if checked.rows is not None:
        rows = count_text(checked.rows, "row")
        trail = checked.problem or f"its audit trail is whole, {rows}"
    print_line(f"{made.database}: {size}; {trail}")
    others = [place for place in checked.places if not place.is_relative_to(home.releases)]
    if made.store is not None and made.releases is not None:
        files, releases = count_text(made.store, "file"), count_text(made.releases, "release")
        print_line(f"{made.database.parent}: {files} of the store, {releases}")
    else:
        others = [home.store, home.releases, *others]
    if others:
        print_line("not in it, and to be copied after it:")
        for place in others:
            print_line(f"  {place}")
    if made.signs:
        print_line("it holds the private key that signs releases: let nobody else read it")
    print_line(f"keep {config} beside it, and what it names; the rest can be made again")
    if made.lacks:
        print_line(
            f"the store lacks {count_text(len(made.lacks), 'file')} that runs have left, such as "
            f"{made.lacks[0]}; run the stages again that made them"
        )
    return StageFailed.exit_code if checked.problem or made.lacks else PASSED
