"""A stage tells its secrets in every way it can; nobody who looks afterwards finds one."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.machine import read_files

pytestmark = pytest.mark.live

TOKEN = "tok/en+hunter2&<hunter3>\"'"
KEY = "-----BEGIN KEY-----\n" + "\n".join(f"{n}AbCdEfGh+/" * 5 for n in range(6))
WORD = "a word of a command"
OTHER = "never-for-this-branch"
STAGES = """
[project.demo.stages.leak]
uses = "command"
argv = [{python}, "leak.py", "an argument"]
artefacts = ["left/*"]
[project.demo.stages.leak.secrets]
TOKEN = {{ env = "SITE_TOKEN" }}
KEY = {{ file = "key" }}
WORD = {{ command = [{python}, "word.py"] }}
OTHER = {{ env = "SITE_OTHER", branches = ["release/*"] }}

[project.demo.stages.tell]
uses = "tests"
suites = [{{ runner = "unittest", arguments = ["test_leak"] }}]
secrets = {{ TOKEN = {{ env = "SITE_TOKEN" }} }}

[project.demo.stages.none]
uses = "command"
argv = [{python}, "-c", "import os; print(sorted(os.environ)); print('looked')"]

[project.demo.stages.missing]
uses = "command"
argv = ["true"]
secrets = {{ GONE = {{ env = "SITE_GONE" }}, TOKEN = {{ env = "SITE_TOKEN" }} }}
"""
LEAK = r"""
import base64, glob, json, os, subprocess, sys, urllib.parse
secrets = [os.environ[name] for name in ("TOKEN", "KEY", "WORD")]
assert "OTHER" not in os.environ
ways = {
    "raw": lambda text: text,
    "reversed": lambda text: text[::-1],
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 behind": lambda text: base64.b64encode(b"u:" + text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(b"user:" + text.encode()).decode(),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "json": json.dumps,
    "repr": repr,
    "lines": lambda text: "\n".join(text[n:n + 5] for n in range(0, len(text), 5)),
    "letters": lambda text: "\n".join(text),
    "percent": lambda text: "".join(f"%{ord(one):02x}" for one in text),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "marked": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "bytes": lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    "points": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "colours": lambda text: "\x1b[1m".join(text),
}
for secret in secrets:
    for name, way in ways.items():
        print(name, way(secret), flush=True)
        print(name, way(secret), file=sys.stderr, flush=True)
    # Over the border of what a worker sends as one line, and of what it reads at once.
    print("x" * (4096 - 7) + secret)
    sys.stdout.write("y" * 65530); sys.stdout.flush(); print(secret)
    sys.stdout.write(secret[:6]); sys.stdout.flush(); print(secret[6:])
    sys.stdout.buffer.write(b"utf-16 " + secret.encode("utf-16-le") + b"\n")
    sys.stdout.buffer.flush()
    subprocess.run([sys.executable, "-c", "import sys; print(sys.argv)", secret])
found = []
for place in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        told = open(place, "rb").read()
    except OSError:
        continue
    found += [place for secret in secrets if secret.encode() in told]
pid = os.getppid()
while pid > 1:
    told = open(f"/proc/{pid}/cmdline", "rb").read()
    if b"master" in told or b"slipway.cli\0up" in told:
        break
    try:
        if any(secret.encode() in open(f"/proc/{pid}/environ", "rb").read() for secret in secrets):
            found.append(f"/proc/{pid}/environ")
    except OSError:
        pass
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
for folder, _, files in os.walk(".."):
    for file in files:
        try:
            data = open(os.path.join(folder, file), "rb").read()
        except OSError:
            continue
        found += [file for secret in secrets if secret.encode() in data]
os.makedirs("left")
with open("left/found.json", "w") as stream:
    json.dump(found, stream)
"""
#: The same as the stage's own.
CODED: dict[str, Callable[[str], str]] = {
    "percent": lambda text: "".join(f"%{ord(one):02x}" for one in text),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "marked": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "bytes": lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    "points": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "colours": "\x1b[1m".join,
}
TEST = r"""
import os, unittest
TOKEN = os.environ["TOKEN"]
class T(unittest.TestCase):
    def test_it(self):
        print("printed", TOKEN)
        self.assertEqual(TOKEN, "is " + TOKEN)
setattr(T, "test_" + TOKEN, lambda self: None)
"""


def fragments() -> list[bytes]:
    """Return what must be nowhere: the values, and the parts of them that are telling."""
    lines = KEY.splitlines()[1:]
    return [text.encode() for text in (TOKEN, WORD, OTHER, "hunter2&", "hunter3>", *lines)]


def test_a_secret_is_found_nowhere(site: Any) -> None:
    (site.repository / "leak.py").write_text(LEAK)
    (site.repository / "test_leak.py").write_text(TEST)
    site.commit("A leak")
    key = site.folder / "key"
    key.write_text(f"{KEY}\n")
    key.chmod(0o600)
    # Its error output is nobody's.
    told = f"import sys; sys.stderr.write({WORD!r}); print({WORD!r})"
    (site.folder / "word.py").write_text(told)
    site.env |= {"SITE_TOKEN": TOKEN, "SITE_OTHER": OTHER}
    site.write(STAGES.format(python=json.dumps(sys.executable)))
    site.up()
    run = site.wait_for_run(1)
    stages = run["stages"]
    assert stages["leak"]["state"] == "passed", site.said()
    assert stages["none"]["state"] == "passed"
    assert stages["missing"]["state"] == "failed"
    assert stages["missing"]["summary"] == (
        "project.demo.stages.missing.secrets.GONE: the environment variable SITE_GONE is not set; "
        "export it"
    )
    assert stages["tell"]["state"] == "failed"
    assert "****" in stages["tell"]["summary"]
    with site.client(admin=True) as client:
        seen = _all_that_is_told(client)
        log = _log(client, "leak")
        codes = client.get("plugins/slipway/api/runs/demo/1").json()["stages"]
    (code,) = [
        one["results"][0]["attempts"][0]["exit_code"] for one in codes if one["name"] == "missing"
    ]
    assert code == 3
    for name in ("raw", "hex", "base64", "url", "json", "repr", "letters", *CODED, "utf-16"):
        assert f"{name} " in log
    for way in CODED.values():
        for fragment in (TOKEN[4:10], KEY[20:26], WORD[2:8]):
            assert way(fragment) not in log
    assert "\0".join(TOKEN[4:10]) not in log
    assert "the secret OTHER is for release/* alone; a run of main has none" in log
    for fragment in fragments():
        assert fragment.decode() not in seen.replace("\n", "")
    assert "SITE_TOKEN" not in _log_of(seen, "none")
    site.down()
    _look_into_files(site)


def _log(client: httpx.Client, stage: str) -> str:
    answer = client.get(f"plugins/slipway/api/runs/demo/1/stages/{stage}/log?lines=5000")
    return str(answer.json()["text"])


def _log_of(seen: str, stage: str) -> str:
    return seen.partition(f"== log of {stage}\n")[2].partition("== ")[0]


def _all_that_is_told(client: httpx.Client) -> str:
    """Return what both interfaces tell of the run: answers, logs, properties, reports."""
    api = "plugins/slipway/api/"
    paths = ("runs", "runs/demo/1", "tests", "audit", "projects", "workers")
    told = [client.get(api + path).raise_for_status().text for path in paths]
    for stage in ("leak", "tell", "none", "missing"):
        told.append(f"== log of {stage}\n{_log(client, stage)}")
        told.append(client.get(f"{api}runs/demo/1/stages/{stage}/tests").text)
    builds = client.get("api/v2/builds?property=*").json()["builds"]
    assert len(builds) == 4
    told.append(json.dumps(builds))
    for build in builds:
        for step in client.get(f"api/v2/builds/{build['buildid']}/steps").json()["steps"]:
            told.append(json.dumps(step))
            logs = client.get(f"api/v2/steps/{step['stepid']}/logs").json()["logs"]
            told += [client.get(f"api/v2/logs/{log['logid']}/raw").text for log in logs]
    run = client.get(f"{api}runs/demo/1").json()
    for stage in run["stages"]:
        for artefact in stage["results"][0]["attempts"][0]["artefacts"]:
            data = client.get(artefact["url"].lstrip("/")).raise_for_status().content
            told.append(data.decode(errors="replace"))
            if artefact["name"] == "found.json":
                assert json.loads(data) == []
    return "\n== \n".join(told)


def _look_into_files(site: Any) -> None:
    """Look for the values in every file of the state folder, and in the database's rows."""
    database = site.state / "state.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        rows = "\n".join(connection.iterdump())
    for fragment in fragments():
        assert fragment.decode() not in rows
    for file, data in read_files(site.state):
        # The repository tells what it wants of the secrets' names, never a value.
        if not file.is_symlink():
            assert [one for one in fragments() if one in data] == [], file


def test_a_command_that_hangs_holds_up_nobody_else(site: Any, tmp_path: Path) -> None:
    hang = json.dumps([sys.executable, "-c", "import time; time.sleep(600)"])
    stages = "".join(
        f'[project.demo.stages.s{n}]\nuses = "command"\nargv = ["true"]\n'
        f"secrets = {{ A = {{ command = {hang} }} }}\n"
        for n in range(4)
    )
    site.write(f'{stages}[project.demo.stages.good]\nuses = "command"\nargv = ["true"]\n')
    site.up()
    site.wait_for_stage(1, "good", "passed")
    with site.client(admin=False) as client:
        began = time.monotonic()
        assert client.get("plugins/slipway/api/runs").status_code == 200
        assert time.monotonic() - began < 20
    run = site.wait_for_run(1)
    told = {one["summary"] for name, one in run["stages"].items() if name != "good"}
    (one,) = {text.partition(".secrets.A: ")[2] for text in told}
    assert one.endswith("did not end within 30 seconds and was stopped; run it by hand")
