"""The target `command`: a program of one's own, told by JSON what to do."""

import http.server
import json
import sys
import threading
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from pydantic import ValidationError

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.kinds.release_target import TARGETS
from slipway.scripts.stages.publish.targets.command.target import CommandCopy
from tests.scripts.stages.publish.test_run import job
from tests.support import release_targets
from tests.support.release_targets import CHECKS, Place, Told, Unhurried, bring, content

EXAMPLE = Path(__file__).parents[5] / "examples" / "publish-program" / "to_folder.py"


def settings(*argv: str, **keys):
    values = {"kind": "command", "argv": [sys.executable, "-IS", *argv], **keys}
    return TARGETS.members["command"].model_validate(values)


def place_of(tmp_path, target, **changes) -> Place:
    home = tmp_path / "www" / "almanac"

    def connect(release, report):
        return CommandCopy(
            target, job(tmp_path / "job", version=release.version, **changes), report
        )

    def readers_see(version: str) -> dict[str, bytes]:
        folder = home / version
        return (
            {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
        )

    def alter(version: str, name: str) -> None:
        (home / f".{version}.part" / name).write_bytes(b"altered")

    return Place(connect, readers_see, tmp_path / "releases", alter)


@pytest.fixture
def place(tmp_path):
    return place_of(tmp_path, settings(str(EXAMPLE), str(tmp_path / "www")))


def marked(check):
    # Each request starts a program; this one makes hundreds.
    is_long = check is release_targets.check_cut_anywhere_and_again
    return pytest.param(check, marks=pytest.mark.slow if is_long else (), id=check.__name__)


@pytest.mark.parametrize("check", map(marked, CHECKS))
def test_the_example_holds_to_the_contract(place, check):
    small = {"almanac.zip": bytes(range(256)) * 900, "Grüße 1.txt": b"x", "empty": b""}
    place.files = small
    check(place)


def test_what_the_program_alters_is_found(place):
    release_targets.check_alteration_is_found(place)


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(f"import json, os, sys\nrequest = json.loads(sys.stdin.readline())\n{text}\n")
    return path


def brought(tmp_path, text: str, clock=None, **keys):
    """Bring a release by a program whose text this is; returns what was told."""
    changes = keys.pop("changes", {})
    target = settings(str(program(tmp_path, text)), **keys)
    place = place_of(tmp_path, target, **changes)
    told = Told()
    bring(place, place.release("1.0.0"), clock=clock, report=told)
    return told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sys.exit('no such shop')", r"\(check\) ended with exit code 1: no such shop;"),
        ("print('[1]')", r"\(check\) answers no JSON object: '\[1\]"),
        ("print('{' * 100_000)", r"\(check\) answers no JSON object"),
        ("print('[' * 100_000)", r"\(check\) answers no JSON object"),
        ("sys.stdout.buffer.write(b'\\xff')", r"\(check\) answers no JSON object"),
        ("while True: sys.stdout.write('x' * 100_000)", r"\(check\) answers with more than 16,000"),
        ("print(json.dumps({'files': 7}))", r"\(look\) answers with files that are no object"),
        (
            "print(json.dumps({'files': {'a': {'state': 'seen'}}}))",
            r"\(look\) says of 'a' what is no state: .*there are absent, staged, verified, public",
        ),
        ("print(json.dumps({'files': {'a': 7}}))", r"\(look\) says of 'a' what is no state: "),
        (
            "print(json.dumps({'files': {'a': {'state': 'staged', 'sha256': 'f'}}}))",
            r"\(look\) says of 'a' what is no state: ",
        ),
        ("", "does not hold what was written"),
        (
            "if request['verb'] == 'read':\n while True: sys.stdout.write('x' * 100_000)",
            "does not hold what was written",
        ),
        (
            "if request['verb'] == 'stage': sys.exit(3)",
            r"\(stage almanac-1\.4\.zip\) ended with exi",
        ),
        ("os.kill(os.getpid(), 9)", "ended with exit code -9: it says nothing"),
        ("sys.exit('\\x1b[2J' + 'x' * 9000)", r"exit code 1: [ x\[2J]{1,500};"),
    ],
)
def test_whatever_a_program_answers_is_told_in_one_sentence(tmp_path, text, sentence):
    with pytest.raises(StageFailed, match=sentence) as raised:
        brought(tmp_path, text)
    assert len(str(raised.value)) < 2000
    assert str(raised.value).isprintable()


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path, monkeypatch):
    hang = "import subprocess, time\nsubprocess.Popen([sys.executable, '-c', 'import time; "
    hang += "time.sleep(99)'])\nopen('started', 'w').close(); time.sleep(99)"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StageFailed, match=r"\(check\) did not end within 2\.0s and was stopped"):
        brought(tmp_path, hang, timeout=2)
    assert (tmp_path / "started").exists()
    assert psutil.Process().children(recursive=True) == []


def test_what_a_program_has_left_behind_is_not_awaited(tmp_path):
    left = tmp_path / "left"
    begin = "import subprocess\nleft = subprocess.Popen([sys.executable, '-c', 'import time; "
    begin += "time.sleep(60)'], start_new_session=True)\n"
    begin += f"open({str(left)!r}, 'w').write(str(left.pid)); sys.exit('that was all')"
    try:
        with pytest.raises(StageFailed, match="ended with exit code 1: that was all"):
            brought(tmp_path, begin, timeout=30)
        assert psutil.pid_exists(pid := int(left.read_text()))
        assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    finally:
        psutil.Process(int(left.read_text())).kill()


def test_a_program_may_ask_to_be_tried_again(tmp_path):
    clock = Unhurried()
    text = (
        "from pathlib import Path\n"
        f"count = Path({str(tmp_path / 'count')!r})\n"
        "done = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (done + 1))\n"
        "print(json.dumps({'after': 42}) if done == 1 else '')\n"
        "print('busy', file=sys.stderr)\n"
        "sys.exit(75 if done < 3 else 'enough')"
    )
    with pytest.raises(StageFailed, match="enough"):
        brought(tmp_path, text, clock)
    # The first is the check that is made once for all targets.
    assert clock.waits == [42.0, 20.0]


def test_a_program_that_is_not_there(tmp_path):
    place = place_of(tmp_path, settings().model_copy(update={"argv": (str(tmp_path / "none"),)}))
    with pytest.raises(MissingTool, match=r"none cannot be started: No such file.*mend argv"):
        bring(place, place.release("1.0.0"))


def test_it_gets_its_own_secrets_alone_and_its_output_is_told(tmp_path):
    secrets = {"SHOP_TOKEN": "s3cret-of-the-shop", "OTHER_TOKEN": "of-another-target"}
    stage = {"uses": "publish", "needs": ["archive"], "env": {**secrets, "COLOUR": "blue"}}
    changes = {"stage": stage, "answers": secrets, "secrets": tuple(secrets)}
    text = "print(dict(os.environ), file=sys.stderr); sys.exit('done')"
    target = settings(str(program(tmp_path, text)), secrets=["SHOP_TOKEN"])
    assert target.needed_secrets == ("SHOP_TOKEN",)
    place = place_of(tmp_path, target, **changes)
    told = Told()
    with pytest.raises(StageFailed, match="done"):
        bring(place, place.release("1.0.0"), report=told)
    seen = "".join(told.lines)
    assert "s3cret-of-the-shop" in seen
    assert "'COLOUR': 'blue'" in seen
    assert "of-another-target" not in seen


def test_pages_and_channels_are_given_to_it(tmp_path):
    log = tmp_path / "log"
    text = (
        f"with open({str(log)!r}, 'a') as log:\n"
        "    print(json.dumps([request, sys.stdin.read()]), file=log)"
    )
    target = settings(str(program(tmp_path, text)))
    made = place_of(tmp_path, target)
    release = made.release("1.0.0")
    copy = made.connect(release, Told())
    page = release.files[0]
    pointers = release_targets.Pointers("1.0.0", {"beta": "1.0.0"}, (page,))
    copy.point(pointers)
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first[0]["verb"] == "page"
    assert first[0]["file"]["sha256"] == page.sha256
    assert first[1].encode("latin-1", "replace")[:10] == page.path.read_bytes()[:10]
    assert second[0]["verb"] == "point"
    assert second[0]["channels"] == {"beta": "1.0.0"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    (tmp_path / "www").mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=tmp_path / "www")
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_public_is_read_from_its_public_address(tmp_path, address):
    url = f"{address}/{{project}}/{{version}}/{{file}}"
    target = settings(str(EXAMPLE), str(tmp_path / "www"), public_url=url)
    place = place_of(tmp_path, target)
    release = place.release("1.0.0+7")
    bring(place, release)
    assert dict(place.readers_see("1.0.0+7")) == content(release)
    copy = place.connect(release, Told())
    for file in release.files:
        assert unquote(copy.public_url(file.name)).endswith(f"/almanac/1.0.0+7/{file.name}")


def test_readers_who_get_other_bytes_are_told_of(tmp_path, address):
    url = f"{address}/other/{{file}}"
    (tmp_path / "www" / "other").mkdir()
    for name in release_targets.FILES:
        (tmp_path / "www" / "other" / name).write_bytes(b"an error page, with status 200")
    target = settings(str(EXAMPLE), str(tmp_path / "www"), public_url=url)
    place = place_of(tmp_path, target)
    with pytest.raises(StageFailed, match=r"readers get other bytes than were written: http://127"):
        bring(place, place.release("1.0.0"))


def test_a_public_address_that_never_shows_it_is_told_after_all_tries(tmp_path, address):
    url = f"{address}/nowhere/{{file}}"
    clock = Unhurried()
    place = place_of(tmp_path, settings(str(EXAMPLE), str(tmp_path / "www"), public_url=url))
    with pytest.raises(StageFailed, match=r"it is not there \(404\); it was tried again 10 times"):
        bring(place, place.release("1.0.0"), clock=clock)
    assert clock.waits == [10, 20, 40, 80, 160, 300, 300, 300, 300, 300]


@pytest.mark.parametrize(
    "keys",
    [
        {"argv": []},
        {"argv": [""]},
        {"argv": ["a\0b"]},
        {"secrets": ["A-B"]},
        {"public_url": "ftp://example.org/{file}"},
        {"public_url": "https://example.org/"},
        {"public_url": "https://example.org/{file}/{file.__class__}"},
        {"public_url": "https://example.org/{file}/{other}"},
        {"public_url": "https://example.org/{file}}"},
        {"public_url": "https://example.org/{file"},
        {"bandwidth": "fast"},
        {"bandwidth": "10 Mb"},
        {"bandwidth": "1 B/s"},
        {"bandwidth": True},
    ],
)
def test_settings_that_cannot_be_meant(keys):
    with pytest.raises(ValidationError):
        settings(**keys)


def test_a_bandwidth_is_bytes_a_second():
    assert settings(bandwidth="1.5 MB/s").bandwidth == 1_500_000
    assert settings(bandwidth="500kB/s").bandwidth == 500_000
    assert settings(bandwidth=20_000).bandwidth == 20_000
