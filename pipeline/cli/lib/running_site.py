"""Load the site that commands work on: pipeline.toml, or the running master's copy of it."""

from __future__ import annotations

import argparse
import sys

from slipway.config import ConfigProblems, read
from slipway.model.errors import WrongInput
from slipway.model.site import Site
from slipway.state_folder import Home

__all__ = ["running_site"]


def running_site(options: argparse.Namespace) -> Site:
    """Return the site that pipeline.toml describes.

    If the file has errors, the copy of a running master is read instead, with a warning: an error
    that was made after the start must not prevent people from operating that master.

    Raises:
        WrongInput: It has errors, and there is no copy of a running master.
    """
    try:
        return read(options.config)
    except WrongInput as error:
        kept = Home.beside(options.config).kept_site
        try:
            site = read(kept)
        except (WrongInput, OSError):
            if hasattr(options, "url") and not options.config.exists():
                msg = f"{options.config} is not there; write one (docs/tutorial.md shows how), "
                msg += "name it: --config, or ask a master elsewhere: --url, with a token"
                raise WrongInput(msg) from None
            raise error from None
        print(f"warning: {_one_line(error)}; read as the master has it", file=sys.stderr)  # noqa: T201
        return site


def _one_line(error: WrongInput) -> str:
    if not isinstance(error, ConfigProblems):
        return str(error)
    more = len(error.problems) - 1
    return f"{error.problems[0]}" + (f" (and {more} more: slipway check)" if more else "")
