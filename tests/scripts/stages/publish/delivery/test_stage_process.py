"""The whole stage as a worker starts it, with targets that wait, fail and say secrets."""

import json
import signal
import subprocess
import sys

import pytest

from tests.scripts.stages.publish.test_run import job

pytestmark = pytest.mark.slow


def start(tmp_path, *targets, **changes):
    stage = {"uses": "publish", "needs": ["archive"], "targets": targets}
    made = job(tmp_path, stage=stage, **changes)
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway.cli", "stage", "publish", "--settings", "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(made.model_dump_json(by_alias=True))
    process.stdin.close()
    return process


def program(text: str, **keys):
    code = f"import json, os, sys; request = json.loads(sys.stdin.readline()); {text}"
    return {"kind": "command", "argv": [sys.executable, "-IS", "-c", code], **keys}


def events(lines):
    return [json.loads(line[1:]) for line in lines if line.startswith("\x1e")]


def test_a_stage_that_waits_for_a_target_ends_as_soon_as_it_is_stopped(tmp_path):
    busy = program("print('the shop is busy', file=sys.stderr); sys.exit(75)", name="shop")
    seen = []
    with start(tmp_path, busy, {"kind": "folder", "path": "www"}) as process:
        for line in process.stdout:
            seen.append(line)
            if "tried again in 10s" in line:
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 1
    told = events(seen)
    texts = [one["text"] for one in told if one["event"] == "notice"]
    assert any("the shop is busy; tried again in 10s (1 of 10)" in one for one in texts)
    assert texts[-1] == "the stage was stopped from outside (SIGTERM)"


def test_secrets_are_masked_wherever_a_program_says_them(tmp_path):
    leaky = program(
        "print(os.environ['SHOP_TOKEN'], file=sys.stderr); "
        "sys.exit('no right for ' + os.environ['SHOP_TOKEN'])",
        name="shop",
        secrets=["SHOP_TOKEN"],
    )
    token = "s3cret-token-of-the-shop"
    changes = {"answers": {"SHOP_TOKEN": token}, "secrets": ("SHOP_TOKEN",)}
    with start(tmp_path, leaky, **changes) as process:
        said = process.stdout.read()
    assert process.returncode == 1
    assert token not in said
    told = events(said.split("\n"))
    (ended,) = [one for one in told if one["event"] == "target-ended"]
    assert (ended["target"], ended["state"]) == ("shop", "failed")
    assert "no right for ****" in ended["text"]


def test_each_file_and_each_target_is_told(tmp_path):
    broken = program("sys.exit('no' if request['verb'] == 'stage' else 0)", name="broken")
    with start(tmp_path, broken, {"kind": "folder", "path": "www"}) as process:
        told = events(process.stdout)
    assert process.returncode == 1
    states = {}
    for one in told:
        if one["event"] == "target-file":
            states.setdefault((one["target"], one["file"]), []).append(one["state"])
    way = ["staged", "verified", "public"]
    names = ("a.dump", "almanac.zip", "index.html", "SHA256SUMS", "release.json")
    assert states == {("folder", name): way for name in names}
    ended = {one["target"]: one["state"] for one in told if one["event"] == "target-ended"}
    assert ended == {"broken": "failed", "folder": "public"}
    last = [one["text"] for one in told if one["event"] == "notice"][-1]
    assert "almanac 1.4.0+7 is not at broken (" in last
    assert last.endswith("it has nothing of it | it is whole at folder")
