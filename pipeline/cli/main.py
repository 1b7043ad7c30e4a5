"""The command line: what can be asked for. Each command is a module, loaded when it is used."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway import __version__
from slipway.cli.asking_options import add_commands
from slipway.model.errors import SlipwayError

_EPILOG = """exit codes: 0 passed, 1 the thing under test failed, 2 wrong input,
3 something is missing on the machine"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="slipway",
        description="From a commit to production, on Buildbot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"slipway {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _site_commands(commands)
    add_commands(commands)
    _people_commands(commands)
    _stage_commands(commands)
    _machine_commands(commands)
    return top


def _config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        type=Path,
        default=Path("pipeline.toml"),
        metavar="FILE",
        help="the site's file (default: pipeline.toml in this folder)",
    )


def _project(command: argparse.ArgumentParser) -> None:
    command.add_argument("--project", metavar="NAME", help="one project; else all")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f'"{text}" is no whole number from 1 on'
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _site_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser("check", help="check pipeline.toml and print its graph")
    _config(check)
    check.add_argument("--json", action="store_true", help="print the model as JSON")
    up = commands.add_parser("up", help="start master and worker here, and show what happens")
    _config(up)
    up.add_argument("--once", action="store_true", help="end when the head's run has ended")
    poll = commands.add_parser("poll", help="look for new commits now")
    _config(poll)
    _project(poll)
    trigger = commands.add_parser("trigger", help="start a run now, whether or not there is news")
    _config(trigger)
    trigger.add_argument("--project", metavar="NAME", help="the project, where there are several")
    trigger.add_argument("--branch", metavar="NAME", help="the branch (default: the first)")
    trigger.add_argument("--revision", metavar="REV", help="a commit or tag; else the head")
    trigger.add_argument(
        "--reason", default="the pipeline was started by hand", metavar="TEXT", help="why"
    )
    for name, what in (("runs", "list runs"), ("releases", "list releases")):
        listing = commands.add_parser(name, help=what)
        _config(listing)
        _project(listing)
        listing.add_argument("--json", action="store_true", help="print JSON")
        listing.add_argument("--limit", type=_positive, default=20, metavar="N", help="at most N")
    prune = commands.add_parser("prune", help="let old runs' artefacts go, as `keep` says")
    _config(prune)
    _project(prune)
    prune.add_argument("--dry-run", action="store_true", help="only say what would go")
    _audit_command(commands)
    schema = commands.add_parser("schema", help="print the JSON Schema of pipeline.toml")
    schema.add_argument("--reference", action="store_true", help="print it as a Markdown page")


def _audit_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser("audit", help="list who did what, or check that list")
    _config(audit)
    _project(audit)
    audit.add_argument("--actor", metavar="NAME", help="what one person did; slipway: the machine")
    audit.add_argument("--since", metavar="DATE", help="from a day or a moment on")
    audit.add_argument("--limit", type=_positive, default=20, metavar="N", help="at most N")
    form = audit.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    audit.add_argument(
        "--verify", action="store_true", help="check that nothing in it was changed or lost"
    )
    audit.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="RELEASE|HASH",
        help="check that the trail still holds what a release saw of it",
    )


def _people_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    passwd = commands.add_parser("passwd", help="print a person's lines for pipeline.toml")
    passwd.add_argument("name", metavar="NAME", help="the name they sign in with")
    passwd.add_argument(
        "--stdin",
        action="store_true",
        help="take the password from the standard input's first line",
    )
    token = commands.add_parser("token", help="make, list and revoke tokens for scripts")
    whats = token.add_subparsers(dest="what", metavar="WHAT", required=True)
    create = whats.add_parser("create", help="make a token and print it, once")
    create.add_argument("--person", required=True, metavar="NAME", help="whose it is")
    create.add_argument("--name", required=True, metavar="TEXT", help="what it is for")
    create.add_argument(
        "--role",
        action="append",
        metavar="ROLE",
        help="what it may do (default: all its person may)",
    )
    create.add_argument(
        "--days", type=float, default=90, metavar="N", help="how long it is good (default: 90)"
    )
    listing = whats.add_parser("list", help="list tokens, without what they say")
    listing.add_argument("--person", metavar="NAME", help="one person's; else all")
    listing.add_argument("--json", action="store_true", help="print JSON")
    revoke = whats.add_parser("revoke", help="make a token worthless")
    revoke.add_argument("id", type=_positive, metavar="ID", help="its number in the list")
    for what in (create, listing, revoke):
        _config(what)


def _stage_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run stages on this machine, without a master")
    _config(run)
    run.add_argument("stages", nargs="*", metavar="STAGE", help="stages; else all but gates")
    run.add_argument("--project", metavar="NAME", help="the project, where there are several")
    run.add_argument("--source", type=Path, metavar="DIR", help="the project's folder")
    run.add_argument(
        "--jobs", type=_positive, metavar="N", help="stages side by side (default: cores)"
    )
    run.add_argument("--alone", action="store_true", help="not the stages they need")
    _features_command(commands)
    stage = commands.add_parser("stage", help="do one stage as a job says (workers call this)")
    stage.add_argument("uses", metavar="USES", help="the kind of stage, such as tests")
    stage.add_argument(
        "--settings", required=True, metavar="FILE", help="the job as JSON, or - for stdin"
    )
    stage.add_argument(
        "--events", choices=("auto", "json", "console"), default="auto", help="how to report"
    )
    verify = commands.add_parser("verify", help="check every hash of a release")
    verify.add_argument("place", type=Path, metavar="PATH", help="a release's folder")


def _features_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    features = commands.add_parser(
        "features",
        help="walk a project's behave features",
        epilog="All other arguments are behave's own: --tags=~@javascript, -D name=value, files.",
        # behave's own options must not be taken for the beginnings of ours.
        allow_abbrev=False,
    )
    features.add_argument("--source", type=Path, default=Path(), metavar="DIR", help="the project")
    for name, metavar, what in (
        ("--profile", "NAME", "a profile of [tool.slipway.features.profiles] in pyproject.toml"),
        ("--base-url", "URL", "where the application runs already"),
        ("--jobs", "N", "processes side by side"),
        ("--retries", "N", "try a failed scenario again, at most so often"),
        ("--max-failures", "N", "stop after so many failed scenarios"),
        ("--browser", "NAME", "chromium or firefox"),
        ("--grid-url", "URL", "a Selenium Grid for @javascript"),
        ("--without-browser", "WHAT", "fail or skip @javascript where there is no browser"),
        ("--shard", "I/N", "the I-th of N parts"),
    ):
        features.add_argument(name, metavar=metavar, help=what)
    features.add_argument("--headed", action="store_true", help="show the browser")
    features.add_argument(
        "--seed",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a seed database of SQLite, or a dump of PostgreSQL; may be given again",
    )
    features.add_argument("--output", type=Path, metavar="DIR", help="where the report goes")
    features.add_argument("--steps", action="store_true", help="list the ready steps, and end")
    told = "write what @desktop drives a Qt program by into a file of the program, and end"
    features.add_argument("--desktop-agent", type=Path, metavar="FILE", help=told)


def _machine_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    example = commands.add_parser("example", help="make a git repository of an example project")
    example.add_argument("source", type=Path, metavar="DIR", help="the project's folder")
    example.add_argument("target", type=Path, metavar="REPOSITORY", help="the repository to make")
    worker = commands.add_parser("worker", help="set up a worker of another machine's master")
    worker.add_argument("folder", type=Path, metavar="DIR", help="the worker's base folder")
    worker.add_argument("--name", required=True, help="its name in pipeline.toml")
    worker.add_argument("--master", required=True, metavar="HOST:PORT", help="the master")
    worker.add_argument(
        "--password-file", type=Path, required=True, metavar="FILE", help="mode 0600"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: The words after `slipway`. None: this process's own.

    Returns:
        The exit code: 0 passed, 1 failed, 2 wrong input, 3 something missing.
    """
    reader = parser()
    options, rest = reader.parse_known_args(argv)
    if rest and options.command != "features":
        reader.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        module = importlib.import_module(f"slipway.cli.{options.command}")
        code: int = module.run(options)
    except SlipwayError as error:
        print(error, file=sys.stderr)  # noqa: T201  the command line's own voice
        return error.exit_code
    except ModuleNotFoundError as error:
        return _missing_extra(error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        # Such as a full disk behind `>`; what a command knows better it has told itself.
        place = f" ({error.filename})" if error.filename else ""
        print(f"{options.command}: {error.strerror or error}{place}", file=sys.stderr)  # noqa: T201
        return 3
    return code


def _missing_extra(error: ModuleNotFoundError) -> int:
    name = (error.name or "").split(".")[0]
    if name == "slipway":
        raise error
    print(  # noqa: T201
        f"the Python package {name} is not installed; install slipway[master,worker]",
        file=sys.stderr,
    )
    return 3
