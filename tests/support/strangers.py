"""Run published projects that nobody here has written, untouched: `make strangers`.

The list is tests/data/strangers/projects.toml, or another by `--list`. Each source distribution is
downloaded from PyPI by pip and unpacked below the state folder; nothing of it is ever committed.
For each project: its tests; a freeze where it has a console script; seeds where it has models of
SQLAlchemy; features where it has features of behave. A project with a result is not run again,
unless it is named.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.scripts.process import run as run_program
from slipway.scripts.python_env.uv import uv_path
from slipway.scripts.stages.tests.pytest_settings import shield

ROOT = Path(__file__).parents[2]
LIST = ROOT / "tests" / "data" / "strangers" / "projects.toml"
#: Seconds that one stage of one project may take.
LIMIT = 900.0
#: The verdict where a project has nothing for a stage.
NOTHING = "nothing to do"
STAGES = ("tests", "freeze", "databases", "features")
_NO_CODE = {"test", "tests", "docs", "doc", "examples", "example", ".git"}
_MODELS = re.compile(r"\b(DeclarativeBase|declarative_base\(|MetaData\()")
_SCRIPTS = re.compile(
    r"\[project\.(gui-)?scripts\]|\[tool\.(poetry|flit)\.scripts\]|console_scripts"
)
_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed|xpassed)\b")


def main():
    """Run what is named, or all without a result, and print the table."""
    parser = argparse.ArgumentParser(description="run published projects untouched")
    parser.add_argument("names", nargs="*", help="projects to run again; else all without a result")
    parser.add_argument("--list", type=Path, default=LIST, help="another list of projects")
    parser.add_argument("--state", type=Path, default=ROOT / ".slipway" / "strangers")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one stage")
    parser.add_argument("--stages", default=",".join(STAGES), help="stages, with commas")
    parser.add_argument("--table", action="store_true", help="print the table alone")
    options = parser.parse_args()
    state = options.state.resolve()
    listed = tomllib.loads(options.list.read_text("utf-8"))
    if unknown := sorted(set(options.names) - set(listed)):
        print(f"{options.list} does not name {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name, one in listed.items():
        told = state / "results" / f"{name}.json"
        done = json.loads(told.read_text("utf-8")) if told.is_file() else {}
        wanted = [stage for stage in options.stages.split(",") if stage not in done]
        if name in options.names:
            wanted = options.stages.split(",")
        if options.table or not wanted or (options.names and name not in options.names):
            continue
        done |= run_project(name, one, state, wanted, options.limit)
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(json.dumps(done, indent=1) + "\n", "utf-8")
        print(
            f"{name}:",
            *(f"{key} {verdict(one)};" for key, one in done.items() if one["verdict"] != NOTHING),
            flush=True,
        )
    return report(listed, state)


def run_project(name, one, state, wanted, limit):
    """Download a project and run the wanted stages; return the result of each."""
    place = state / "projects" / name
    try:
        source = unpacked(name, one["version"], state)
    except (SlipwayError, OSError, ValueError) as error:
        return {"tests": {"verdict": "not", "why": f"no source distribution: {error}"}}
    there = list(stages_of(source))
    results = {stage: {"verdict": NOTHING, "why": ""} for stage in wanted}
    for stage in there:
        if stage in wanted:
            results[stage] = run_stage(name, one, source, stage, limit)
        if stage == "tests" and stage in wanted:
            by_hand = results[stage]["plain"] = plain(source, place, limit)
            if results[stage]["verdict"] == "not" and not by_hand.startswith("exit code 0"):
                results[stage]["verdict"] = "not, nor by hand"
    shutil.rmtree(place, ignore_errors=True)
    return results


def unpacked(name, version, state):
    """Return the folder of a project's source, unpacked anew."""
    shelf = state / "sdists"
    shelf.mkdir(parents=True, exist_ok=True)
    stem = re.compile(
        re.sub(r"[-_.]+", "[-_.]+", name) + rf"-{re.escape(version)}\.", re.IGNORECASE
    )

    def found():
        return next((path for path in shelf.iterdir() if stem.match(path.name)), None)

    if found() is None:
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        words += ["--no-binary", name, "--dest", str(shelf), f"{name}=={version}"]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if found() is None:
            raise ValueError(done.stderr.strip()[-300:])
    archive = found()
    place = state / "projects" / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if archive.suffix == ".zip":
        zipfile.ZipFile(archive).extractall(place)  # noqa: S202  a published file, in a folder of its own
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
    return next(path for path in place.iterdir() if path.is_dir())


def stages_of(source):
    """Yield the stages that a project has something for."""
    yield "tests"
    texts = [path.read_text("utf-8", "replace") for path in map(source.joinpath, SETTINGS)
             if path.is_file()]  # fmt: skip
    if any(map(_SCRIPTS.search, texts)):
        yield "freeze"
    if any(map(_has_models, source.rglob("*.py"))):
        yield "databases"
    if any(any((source / folder).rglob("*.feature")) for folder in ("features", "tests/features")
           if (source / folder).is_dir()):  # fmt: skip
        yield "features"


SETTINGS = ("pyproject.toml", "setup.cfg", "setup.py")


def _has_models(path):
    if _NO_CODE & set(path.parts):
        return False
    text = path.read_text("utf-8", "replace")
    return "sqlalchemy" in text and bool(_MODELS.search(text))


def run_stage(name, one, source, stage, limit):
    """Run a stage untouched, and where it fails with the list's key; return the result."""
    first = attempt(name, source, stage, "", limit)
    if first["code"] == 0 or stage not in one:
        return first | {"verdict": "first try" if first["code"] == 0 else "not"}
    second = attempt(name, source, stage, one[stage], limit)
    word = "one key" if second["code"] == 0 else "not"
    return second | {"verdict": word, "why": f"{one[stage]}: untouched it says: {first['why']}"}


def attempt(name, source, stage, key, limit):
    """Run a stage by `slipway run`; return its exit code, last sentence and seconds."""
    site = source.parent / "site"
    site.mkdir(exist_ok=True)
    called = re.sub(r"[^a-z0-9-]", "-", name)
    config = site / "pipeline.toml"
    config.write_text(
        f'[workers.here]\n\n[project.{called}]\nrepository = "{source}"\n\n'
        f'[project.{called}.stages.{stage}]\nuses = "{stage}"\n{key}\n',
        "utf-8",
    )
    words = [ROOT / ".venv" / "bin" / "slipway", "run", "--config", config]
    words += ["--source", source, "--alone", stage]
    said, began = [], time.monotonic()
    try:
        code = run_program(words, cwd=site, log=said.append, timeout=limit).code
    except SlipwayError as error:
        code = error.exit_code
        said.append(f"{error}\n")
    text = "".join(said)
    log = source.parents[2] / "logs" / f"{name}-{stage}.txt"
    log.parent.mkdir(exist_ok=True)
    log.write_text(text, "utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    counted = re.findall(r"\d+ tests?: [^\n]*", text)
    why = " / ".join(lines[-3:])[:1500] if code else (counted or lines or [""])[-1]
    return {"code": code, "why": why, "seconds": round(time.monotonic() - began)}


def plain(source, place, limit):
    """Return what pytest alone counts in the environment that the stage has made."""
    pythons = sorted(place.glob("site/**/environments/*/bin/python"))
    if not pythons:
        return "no environment"
    # As in a shell that has the environment activated.
    python = pythons[-1]
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    env |= {"PATH": f"{python.parent}{os.pathsep}{env['PATH']}", "NO_COLOR": "1"}
    lacks = subprocess.run([python, "-c", "import pytest"], check=False, capture_output=True)
    if lacks.returncode:
        words = [uv_path(), "pip", "install", "--quiet", "--python", python, "pytest"]
        subprocess.run(words, check=False, capture_output=True)
    words = [python, "-m", "pytest", "-q", *shield(source, place)]
    said = []
    try:
        done = run_program(words, cwd=source, env=env, log=said.append, timeout=limit)
    except SlipwayError as error:
        return str(error)[:200]
    last = [line for line in "".join(said).splitlines() if _COUNTS.search(line)][-1:]
    counted = ", ".join(" ".join(one) for one in _COUNTS.findall(" ".join(last)))
    return f"exit code {done.code}: {counted or done.last_output(1)}"[:300]


def verdict(result):
    """Return the verdict of a result."""
    return f"{result['verdict']} ({result.get('seconds', 0)} s)"


def report(listed, state):
    """Print the table and leave it in the state folder; 0 where nothing failed."""
    rows, counts = [], {}
    for name, one in listed.items():
        told = state / "results" / f"{name}.json"
        results = json.loads(told.read_text("utf-8")) if told.is_file() else {}
        for stage, result in results.items():
            if result["verdict"] == NOTHING:
                continue
            why = " ".join(result["why"].split()).replace("|", "/")[:300]
            if "plain" in result:
                why += f" (pytest alone: {result['plain']})"
            rows.append(f"| {name} {one['version']} | {stage} | {verdict(result)} | {why} |")
            tally = counts.setdefault(stage, {})
            tally[result["verdict"]] = tally.get(result["verdict"], 0) + 1
        if not results:
            rows.append(f"| {name} {one['version']} | | not run | |")
    head = "| project | stage | verdict | what was said |\n| --- | --- | --- | --- |"
    sums = [f"{stage}: " + ", ".join(f"{n} {word}" for word, n in sorted(tally.items()))
            for stage, tally in counts.items()]  # fmt: skip
    text = "\n".join([head, *rows, "", *sums]) + "\n"
    state.mkdir(parents=True, exist_ok=True)
    (state / "table.md").write_text(text, "utf-8")
    print(text)
    return int(any("not" in tally for tally in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
