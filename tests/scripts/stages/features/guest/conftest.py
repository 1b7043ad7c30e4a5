"""A project with features, and a run of it by the guest in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

import slipway.scripts

GOOD = "Feature: G\n  Scenario: good\n    Given it works\n"
EMPTY = "Feature: F\n"
GUEST = Path(slipway.scripts.__file__).parent / "stages" / "features" / "guest" / "run.py"

STEPS = """
import os, signal, sys, time
from behave import given, step, then, when

@given("it works")
def works(context):
    print("it printed this")

@given("it fails")
def fails(context):
    assert 1 == 2, "one is not two"

@given("it raises {text}")
def raises(context, text):
    raise RuntimeError(text)

@given("it works in attempt {number:d}")
def attempt(context, number):
    now = context.config.userdata["slipway.attempt"]
    context.attach("image/png", b"picture %d" % now)
    assert now >= number, f"attempt {now}"

@given("it exits")
def exits(context):
    sys.exit(0)

@given("it hangs")
def hangs(context):
    time.sleep(600)

@given("it takes {seconds:f} s")
def takes(context, seconds):
    time.sleep(seconds)

@given("a person presses Ctrl-C")
def interrupted(context):
    raise KeyboardInterrupt

@given("the process is killed")
def killed(context):
    os.kill(os.getpid(), signal.SIGKILL)

@given("several steps")
def several(context):
    context.execute_steps("Given it works\\nGiven it fails")
"""


@dataclass
class Ran:
    code: int
    output: str
    events: list[dict]
    folder: Path

    def of(self, kind):
        return [one for one in self.events if one["event"] == kind]

    def statuses(self):
        return {one["name"]: one["status"] for one in self.of("scenario_finished")}

    def scenario(self, name):
        [found] = [one for one in self.of("scenario_finished") if one["name"] == name]
        return found

    def counts(self):
        return Counter(one["status"] for one in self.of("scenario_finished"))

    def error(self):
        [found] = self.of("error")
        assert "Traceback" not in found["text"]
        assert "\n" not in found["text"]
        return found


@dataclass
class Project:
    folder: Path
    runs: int = 0
    environment: dict = field(default_factory=dict)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(dedent(text), encoding="utf-8", newline="")
        return path

    def feature(self, text, name="a"):
        return self.write(f"features/{name}.feature", text)

    def start(self, at, **settings):
        kept = self.folder / ".run" / str(self.runs)
        kept.mkdir(parents=True, exist_ok=True)
        given = {
            "queue": str(kept / "queue"),
            "events": str(kept / f"events-{at}"),
            "evidence": str(kept / "evidence"),
            "index": at,
            "arguments": ["-f", "progress"],
            **settings,
        }
        file = kept / f"settings-{at}.json"
        file.write_text(json.dumps(given))
        return subprocess.Popen(
            [sys.executable, str(GUEST), str(file)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )

    def run(self, *arguments, jobs=1, **settings):
        self.runs += 1
        if arguments:
            settings["arguments"] = ["-f", "progress", *arguments]
        started = [self.start(at, jobs=jobs, **settings) for at in range(jobs)]
        told = [one.communicate(timeout=120)[0].decode() for one in started]
        events = []
        for path in sorted((self.folder / ".run" / str(self.runs)).glob("events-*")):
            events += [json.loads(line) for line in path.read_text().splitlines()]
        code = max(one.returncode for one in started)
        return Ran(code, "".join(told), events, self.folder / ".run" / str(self.runs))


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.write("features/steps/all.py", STEPS)
    return made


def refused(project, told, *arguments, code=2, **settings):
    ran = project.run(*arguments, **settings)
    error = ran.error()
    assert told in error["text"]
    assert (ran.code, error["code"]) == (code, code)
    assert "Traceback" not in ran.output
    assert ran.of("scenario_finished") == []
    return error
