"""The command line: dispatch to commands.

Each command is a module, imported when it is used.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from slipway.cli.commands import module_of
from slipway.cli.lib import standard_streams
from slipway.cli.parsing import parser
from slipway.model.errors import SlipwayError, WrongInput

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The arguments after `slipway`. None: those of this process.

    Returns:
        The exit code: 0 passed, 1 failed, 2 wrong input, 3 something missing.
    """
    standard_streams.prepare()
    try:
        with standard_streams.flushed():
            options = _read(argv)
            if None in (options.command, getattr(options, "what", "")):
                options.reader.print_help()
                return WrongInput.exit_code
            if getattr(options, "keyed", False):
                # Before any other import: until then other processes may inspect this one.
                from slipway.scripts.guard import guarded

                return guarded(lambda: _run(options), keep_deployed=lambda: _deploys(options.uses))
            return _run(options)
    except BrokenPipeError:
        standard_streams.silence()
        return standard_streams.UNREAD
    except OSError as error:
        # For example a full disk behind `>`.
        standard_streams.silence()
        return _print_error(f"the output cannot be written: {error.strerror or error}", 3)


def _read(argv: Sequence[str] | None) -> argparse.Namespace:
    options, rest = parser().parse_known_args(argv)
    if rest and options.command != "features":
        options.reader.refuse_rest(rest)
    options.rest = rest
    return options


def _deploys(uses: str) -> bool:
    # Imported late: only a stage that leaves processes behind needs the answer.
    from slipway.model.kinds.stage import deploys

    return deploys(uses)


def _run(options: argparse.Namespace) -> int:
    try:
        module = importlib.import_module(module_of(options.command))
        code: int = module.run(options)
    except SlipwayError as error:
        return _print_error(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        return _missing_extra(error)
    except KeyboardInterrupt:
        return _print_error("stopped", 130)
    except EOFError:
        return _print_error("the input ended before everything was answered", WrongInput.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        # Commands report errors that they can explain better themselves.
        place = f" ({error.filename})" if error.filename else ""
        return _print_error(f"{options.command}: {error.strerror or error}{place}", 3)
    return code


def _print_error(sentence: str, code: int) -> int:
    from slipway.scripts.terminal_text import plain

    print(plain(sentence), file=sys.stderr)  # noqa: T201  the command line's own voice
    return code


def _missing_extra(error: ModuleNotFoundError) -> int:
    name = (error.name or "").split(".")[0]
    if name == "slipway":
        raise error
    return _print_error(
        f"the Python package {name} is not installed; install slipway[master,worker]", 3
    )
