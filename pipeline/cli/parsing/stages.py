"""Parse the commands that run stages without a master: run, features, stage."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import Commands, add_config, add_json, positive

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    run = commands.add(
        "run",
        "run stages on this machine, without a master",
        "Run stages of a project on this machine, without a master, as the working tree is.",
        "slipway run tests",
    )
    add_config(run)
    run.add_argument("stages", nargs="*", metavar="STAGE", help="stages; else all but gates")
    run.add_argument("--project", metavar="NAME", help="the project, where there are several")
    run.add_argument("--source", type=Path, metavar="DIR", help="the project's folder")
    run.add_argument(
        "--jobs", type=positive, metavar="N", help="stages side by side (default: cores)"
    )
    run.add_argument("--alone", action="store_true", help="not the stages they need")
    _features(commands)
    stage = commands.add(
        "stage",
        "do one stage as a job says (workers call this)",
        "Do one stage in this folder as a job says; workers call it.",
        "slipway stage tests --settings job.json",
    )
    stage.add_argument("uses", metavar="USES", help="the kind of stage, such as tests")
    selection = stage.add_mutually_exclusive_group(required=True)
    selection.add_argument("--settings", metavar="FILE", help="the job as JSON, or - for stdin")
    selection.add_argument(
        "--keyed",
        action="store_true",
        help="stdin has the job, a key that proves the events, and secrets; as workers call it",
    )
    stage.add_argument(
        "--events", choices=("auto", "json", "console"), default="auto", help="how to report"
    )
    publish = commands.add(
        "publish",
        "say what would be published where",
        "Say what would be done with each file of a release at each target, and change nothing.",
        "slipway publish --plan",
    )
    add_config(publish)
    publish.add_argument("name", nargs="?", metavar="PROJECT", help="the project")
    publish.add_argument("--plan", action="store_true", help="say it; nothing else can be asked")
    publish.add_argument("--stage", metavar="NAME", help="the publish stage, where several are")
    publish.add_argument(
        "--release", metavar="VERSION|PATH", help="the release (default: the newest one here)"
    )
    add_json(publish)


def _features(commands: Commands) -> None:
    features = commands.add(
        "features",
        "run a project's behave features",
        "Run a project's behave features, as the features stage does. All other arguments are "
        "behave's own: --tags=~@javascript, -D name=value, files.",
        "slipway features --jobs 2 --tags=~@javascript",
        # No abbreviations: behave's own options must not be taken for prefixes of ours.
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
        ("--extras", "NAMES", "extras of the project to install, such as test,browser"),
        ("--groups", "NAMES", "its dependency groups to install, such as dev,features"),
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
    explanation = "write what @desktop drives a Qt program by into a file of the program, and end"
    features.add_argument("--desktop-agent", type=Path, metavar="FILE", help=explanation)
