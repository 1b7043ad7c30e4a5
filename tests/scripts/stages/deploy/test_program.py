"""By a program: what it is told, how it fails, and the way back."""

import json
import os
import stat
import subprocess
import sys

import pytest

from slipway.scripts.redaction import MaskedReport
from slipway.scripts.report import Report

QUICK = {"patience": 1, "interval": 1}
SHOW = (
    "import json, os, sys; e = os.environ; print(json.dumps([e['SLIPWAY_VERSION'], "
    "e['SLIPWAY_PREVIOUS_VERSION'], e['SLIPWAY_ROLLBACK'], os.listdir(e['SLIPWAY_RELEASE']), "
    "json.load(sys.stdin), os.getcwd()]))"
)


def command(code, *words, **more):
    return {"kind": "command", "argv": [sys.executable, "-c", code, *words], **more}


def test_the_program_is_told_of_everything(deploy, make_release):
    release, before = make_release("1.0+2"), make_release("1.0+1")
    done = deploy(
        release,
        command(SHOW),
        previous=before,
        parameters={"count": 3, "on": True},
        secrets={"key": "xyz"},
    )
    assert (done.code, done.facts["outcome"]) == (0, "deployed")
    version, previous, back, files, told, cwd = json.loads(done.report.lines[-1])
    assert (version, previous, back, files) == ("1.0+2", "1.0+1", "0", ["app-1.0+2.tar.zst"])
    assert told["parameters"] == {"count": 3, "on": True, "key": "xyz"}
    assert told["release"]["artefacts"][0]["name"] == "app-1.0+2.tar.zst"
    assert (told["environment"], told["rollback"], told["person"]) == ("staging", False, "ann")
    assert cwd == told["release"]["folder"]


def test_a_failure_runs_it_again_with_the_release_before(deploy, make_release):
    code = SHOW + "; sys.exit(e['SLIPWAY_VERSION'] == '1.0+2')"
    done = deploy(make_release("1.0+2"), command(code), previous=make_release("1.0+1"))
    assert (done.code, done.facts["outcome"]) == (1, "rolled-back")
    version, previous, back, files, told, _ = json.loads(done.report.lines[-1])
    assert (version, previous, back, files) == ("1.0+1", "1.0+2", "1", ["app-1.0+1.tar.zst"])
    assert told["rollback"] is True
    assert done.error.endswith("1.0+1 was put back")


@pytest.mark.slow
def test_an_unhealthy_one_is_put_back_and_asked_again(deploy, make_release, tmp_path):
    state = tmp_path / "runs"
    code = f"import os; open({str(state)!r}, 'w').write(os.environ['SLIPWAY_VERSION'])"
    health = [{"argv": ["grep", "-q", "+1", str(state)], **QUICK}]
    done = deploy(make_release("1.0+2"), command(code), health, previous=make_release("1.0+1"))
    assert (done.facts["outcome"], state.read_text()) == ("rolled-back", "1.0+1")
    assert done.error.endswith("1.0+1 was put back and is healthy")


def test_nothing_to_go_back_to(deploy, make_release):
    done = deploy(make_release("1.0+1"), command("import sys; print('no'); sys.exit(4)"))
    assert (done.code, done.facts["outcome"]) == (1, "failed")
    assert "ended with exit code 4; its last lines: no" in done.error
    assert done.error.endswith("no other release to go back to, so it was left as it is")


def test_a_way_back_that_fails_too(deploy, make_release):
    done = deploy(
        make_release("1.0+2"), command("raise SystemExit(5)"), previous=make_release("1.0+1")
    )
    assert (done.code, done.facts["outcome"]) == (1, "failed")
    assert "1.0+1 could not be put back" in done.error
    assert done.error.endswith("Look after staging now")


def test_exit_code_3_says_that_nothing_was_begun(deploy, make_release):
    code = "print('no route to the cluster'); raise SystemExit(3)"
    done = deploy(make_release("1.0+2"), command(code), previous=make_release("1.0+1"))
    assert (done.code, done.report.lines) == (3, ["no route to the cluster"])
    assert done.error.endswith("nothing has changed there")


@pytest.mark.parametrize(
    ("deployer", "why"),
    [
        ({"argv": ["nosuchprogram"]}, "nosuchprogram is not on this machine"),
        ({"argv": ["true"], "cwd": "nowhere"}, "nowhere is not there"),
    ],
)
def test_what_cannot_start_has_changed_nothing(deploy, make_release, deployer, why):
    done = deploy(make_release("1.0+1"), {"kind": "command", **deployer})
    assert done.code == 3
    assert why in done.error


@pytest.mark.slow
def test_one_that_hangs_is_ended(deploy, make_release):
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    done = deploy(make_release("1.0+1"), command(code, timeout=1))
    assert done.code == 1
    assert "did not end within" in done.error
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.report.lines[0]), 0)


def test_a_program_that_reads_nothing(deploy, make_release):
    large = {"parameters": {"text": "x" * 100_000}}
    assert deploy(make_release("1.0+1"), command("pass"), **large).code == 0


def test_secrets_are_never_said(deploy, make_release):
    secrets = {"key": "hush hush", "pem": "BEGIN\nabcdefgh\nEND", "pin": "123"}
    code = (
        "import os, sys; e = os.environ; print('a', e['SLIPWAY_PARAM_KEY'], 'b'); "
        "print(e['SLIPWAY_PARAM_PEM']); print(e['SLIPWAY_PARAM_PIN']); sys.exit(1)"
    )
    done = deploy(make_release("1.0+1"), command(code), secrets=secrets)
    assert done.code == 1
    # Lines come as they are printed, or several at once.
    lines = "\n".join(done.report.lines).split("\n")
    assert lines[:2] == ["a **** b", "****"]
    for secret in ("hush hush", "abcdefgh", "BEGIN"):
        assert secret not in done.said
    assert "a **** b" in done.error
    assert "123" in lines


def test_masks_in_order_of_length(deploy):
    masked = MaskedReport(Report(), ["abcd", "abcdefgh", "x", ""])
    assert masked.mask("abcdefgh, abcd x") == "****, **** x"


@pytest.mark.slow
def test_the_job_with_secrets_does_not_stay_on_the_disk(make_job, make_release, tmp_path):
    settings = tmp_path / "job.json"
    argv = [sys.executable, "-m", "slipway.cli", "stage", "deploy", "--settings", str(settings)]
    for secrets, stays in (({"key": "hush hush"}, False), ({}, True)):
        job = make_job(make_release("1.0+1"), command("pass"), secrets=secrets)
        assert "hush" not in repr(job)
        settings.write_text(job.model_dump_json(by_alias=True))
        copy = os.open(settings, os.O_RDONLY)
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert settings.exists() is stays
        left = os.read(copy, 100_000)
        os.close(copy)
        assert b"hush" not in left
        assert "hush" not in done.stdout + done.stderr
    assert stat.S_ISREG(settings.stat().st_mode)


def test_a_job_without_a_deployment(make_job, make_release, deploy):
    job = make_job(make_release("1.0+1"), command("pass"))
    from slipway.model.errors import WrongInput
    from slipway.scripts.stages.deploy import run as script

    with pytest.raises(WrongInput, match="neither what nor where"):
        script.run(job.model_copy(update={"deployment": None}), None)
