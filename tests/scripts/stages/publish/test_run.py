"""`slipway stage publish`: a release is wholly there or not at all."""

import hashlib
import html.parser
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import ArtefactLeft, Notice, Summary
from slipway.model.protocol.job import Input, Job, RunFacts, StageRecord
from slipway.scripts.releases import manifest
from slipway.scripts.releases.verify import verify
from slipway.scripts.report import Report
from slipway.scripts.stages.publish import run as publish


class Recorder(Report):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def only(self, kind):
        return next(event for event in self.events if isinstance(event, kind))


def given(folder: Path, name: str, data: bytes, stage="archive", role="product") -> Input:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data + name.encode()).hexdigest()
    path.write_bytes(data)
    return Input(
        stage=stage,
        uses="archive",
        name=name,
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        role=role,
    )


def job(folder: Path, inputs=None, *, version="1.4.0+7", number=7, **changes) -> Job:
    if inputs is None:
        inputs = [given(folder / "in", "almanac.zip", b"zip"), given(folder / "in", "a.dump", b"d")]
    run = RunFacts(
        number=number,
        revision="ab" * 20,
        branch="main",
        committed_at=1_700_000_001,
        version=version,
        subject=changes.pop("subject", "Add moon phases"),
        author="Ada <ada@example.org>",
        local=changes.pop("local", False),
        dirty=changes.pop("dirty", False),
    )
    values = {
        "project": "almanac",
        "name": "publish",
        "stage": {"uses": "publish", "needs": ["archive"]},
        "run": run,
        "inputs": tuple(inputs),
        "records": (
            StageRecord(
                stage="tests",
                uses="tests",
                state="passed",
                summary="47 tests",
                facts={"passed": 45, "skipped": 2, "suites": {"pytest": {"tests": 47}}},
                worker="linux-1",
                seconds=72.4,
            ),
        ),
        "output": str(folder / "output"),
        "cache": str(folder / "cache"),
        "state": str(folder / "state"),
    }
    return Job(**(values | changes))


@pytest.fixture
def project(tmp_path):
    return tmp_path / "state" / "releases" / "almanac"


def latest(project):
    return str((project / "latest").readlink())


def hidden(project):
    return [path.name for path in project.glob(".*") if path.name != ".lock"]


def test_a_release_is_published(tmp_path, project):
    report = Recorder()
    junit = given(tmp_path / "in", "junit.xml", b"<x/>", role="report")
    publish.run(job(tmp_path, [*job(tmp_path).inputs, junit]), report)
    release = project / "1.4.0+7"
    names = {path.name for path in release.iterdir()}
    assert names == {"almanac.zip", "a.dump", "SHA256SUMS", "release.json", "index.html"}
    assert verify(release) == []
    made = manifest.read(release / "release.json")
    assert [one.name for one in made.artefacts] == ["a.dump", "almanac.zip"]
    assert made.stages[0].facts["passed"] == 45
    assert latest(project) == "1.4.0+7"
    assert json.loads((project / "latest.json").read_text())["run"] == 7
    assert hidden(project) == []
    said = report.only(Summary)
    assert said.text == f"almanac 1.4.0+7 published to {release}"
    left = report.only(ArtefactLeft)
    assert (left.name, left.role) == ("release.json", "report")
    assert said.facts["folder"] == str(release)
    assert said.facts["manifest_sha256"] == left.sha256


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum on this machine")
def test_sha256sum_agrees(tmp_path, project):
    publish.run(job(tmp_path), Recorder())
    command = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    assert subprocess.run(command, cwd=project / "latest", check=False).returncode == 0


def test_publishing_again_changes_nothing(tmp_path, project):
    publish.run(job(tmp_path), Recorder())
    before = (project / "1.4.0+7" / "release.json").read_bytes()
    (project / "latest").unlink()
    report = Recorder()
    publish.run(job(tmp_path, records=()), report)
    assert report.only(Summary).text == (
        f"almanac 1.4.0+7 already published, identical: {project / '1.4.0+7'}"
    )
    assert (project / "1.4.0+7" / "release.json").read_bytes() == before
    assert latest(project) == "1.4.0+7"


@pytest.mark.parametrize("name", ["almanac.zip", "other.zip"])
def test_other_contents_under_the_same_version_are_refused(tmp_path, project, name):
    publish.run(job(tmp_path), Recorder())
    before = {path: path.stat().st_mtime_ns for path in sorted(project.rglob("*"))}
    inputs = [given(tmp_path / "in", name, b"other")]
    with pytest.raises(StageFailed, match="published already with other contents, by run 7"):
        publish.run(job(tmp_path, inputs), Recorder())
    assert {path: path.stat().st_mtime_ns for path in sorted(project.rglob("*"))} == before


def test_a_damaged_release_is_not_taken_for_the_same(tmp_path, project):
    publish.run(job(tmp_path), Recorder())
    (project / "1.4.0+7" / "almanac.zip").write_bytes(b"bad")
    with pytest.raises(StageFailed, match=r"but is damaged: almanac.zip: altered"):
        publish.run(job(tmp_path), Recorder())


def test_what_a_working_tree_made_says_so_and_is_never_the_latest(tmp_path, project):
    publish.run(job(tmp_path, version="1.4.0+7"), Recorder())
    mine = {"version": "1.4.0+local.9.dirty", "number": 9, "local": True, "dirty": True}
    report = Recorder()
    publish.run(job(tmp_path, **mine), report)
    assert latest(project) == "1.4.0+7"
    assert "latest stays where it is" in report.only(Notice).text
    made = manifest.read(project / "1.4.0+local.9.dirty" / "release.json")
    assert (made.local, made.dirty) == (True, True)
    page = (project / "1.4.0+local.9.dirty" / "index.html").read_text()
    assert "a working tree, with changes that no commit has" in page
    assert "working tree" not in (project / "1.4.0+7" / "index.html").read_text()


def test_a_sites_first_release_follows_any_of_a_working_tree(tmp_path, project):
    mine = {"version": "1.4.0+local.9", "number": 9, "local": True}
    publish.run(job(tmp_path, **mine), Recorder())
    assert latest(project) == "1.4.0+local.9"
    publish.run(job(tmp_path, version="1.4.0+1", number=1), Recorder())
    assert latest(project) == "1.4.0+1"
    assert "local" not in json.loads((project / "latest.json").read_text())


def test_latest_never_goes_back(tmp_path, project):
    publish.run(job(tmp_path, version="1.5", number=9), Recorder())
    report = Recorder()
    publish.run(job(tmp_path, version="1.4", number=8), report)
    assert latest(project) == "1.5"
    assert "latest stays where it is" in report.only(Notice).text
    (project / "1.5" / "release.json").write_text("damaged")
    publish.run(job(tmp_path, version="1.4", number=8), Recorder())
    assert latest(project) == "1.5"
    shutil.rmtree(project / "1.5")
    publish.run(job(tmp_path, version="1.4", number=8), Recorder())
    assert latest(project) == "1.4"


def test_without_symbolic_links_the_file_says_it(tmp_path, project, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    publish.run(job(tmp_path), Recorder())
    assert not (project / "latest").exists()
    assert json.loads((project / "latest.json").read_text())["version"] == "1.4.0+7"
    assert verify(project) == []


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def test_pages_are_whole_and_escaped(tmp_path, project):
    subject = '<script>alert("x")</script> & \x07'
    inputs = [given(tmp_path / "in", "a'b & c.zip", b"zip")]
    publish.run(job(tmp_path, inputs, subject=subject), Recorder())
    for page in (project / "index.html", project / "1.4.0+7" / "index.html"):
        reader = read(page)
        assert "script" not in reader.tags
        assert "<script>alert" in "".join(reader.text)
        assert all(link.startswith(("./", "../index", "feed")) for link in reader.links)
    reader = read(project / "1.4.0+7" / "index.html")
    told = "".join(reader.text)
    assert "./a%27b%20%26%20c.zip" in reader.links
    for part in ("ab" * 20, "45 passed", "slipway verify .", "1m12s on linux-1", inputs[0].sha256):
        assert part in told
    assert "Ada" in told
    assert "example.org" not in told


def test_the_list_has_the_newest_first(tmp_path, project):
    for number in (2, 10, 9):
        publish.run(job(tmp_path, version=f"1.{number}", number=number), Recorder())
    links = read(project / "index.html").links
    listed = [link for link in links if link.startswith("./1.")]
    assert listed == [f"./1.{number}/index.html" for number in (10, 10, 9, 2)]


@pytest.mark.parametrize("role", ["report", None])
def test_nothing_to_publish_fails(tmp_path, project, role):
    inputs = [given(tmp_path / "in", "junit.xml", b"", role="report")] if role else []
    with pytest.raises(StageFailed, match="nothing to publish: no product came from archive"):
        publish.run(job(tmp_path, inputs), Recorder())
    assert not project.exists()


@pytest.mark.parametrize("version", ["a/b", "..", "", "a\\b", "c:d", ".x", "latest", "index.html"])
def test_versions_that_are_no_folder_names_are_refused(tmp_path, project, version):
    with pytest.raises(WrongInput, match="version"):
        publish.run(job(tmp_path, version=version), Recorder())
    assert not project.exists()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("A.zip", "a.zip"), "a release needs different names"),
        (("release.json",), "the release needs itself"),
        (("sha256sums",), "the release needs itself"),
    ],
)
def test_names_in_each_others_way_are_refused(tmp_path, names, told):
    inputs = [given(tmp_path / "in", name, name.encode()) for name in names]
    with pytest.raises(StageFailed, match=told):
        publish.run(job(tmp_path, inputs), Recorder())


def test_the_same_file_of_two_stages_is_one_file_of_the_release(tmp_path, project):
    bill = given(tmp_path / "in", "shelf-win-amd64.cdx.json", b"{}")
    twice = bill.model_copy(update={"stage": "installer"})
    archive = given(tmp_path / "in", "shelf.zip", b"zip")
    publish.run(job(tmp_path, [archive, bill, twice]), Recorder())
    assert (project / "1.4.0+7" / bill.name).read_bytes() == b"{}"
    other = given(tmp_path / "other", bill.name, b"{ }").model_copy(update={"stage": "installer"})
    with pytest.raises(StageFailed, match='both "archive" and "installer" left'):
        publish.run(job(tmp_path, [bill, other], version="1.5.0+8", number=8), Recorder())


def test_an_input_altered_on_its_way_is_refused(tmp_path, project):
    one = job(tmp_path)
    Path(one.inputs[1].path).write_bytes(b"altered")
    with pytest.raises(StageFailed, match="was altered on its way"):
        publish.run(one, Recorder())
    assert list(project.iterdir()) == []


def test_a_target_that_is_a_file_is_told(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "releases").write_text("")
    with pytest.raises(StageFailed, match=r"nothing was published: .*releases"):
        publish.run(job(tmp_path), Recorder())


def test_what_killed_publishers_left_is_swept_after_a_day(tmp_path, project):
    for name, age in (("old", 90_000), ("young", 10)):
        part = project / f".1.{name}.part"
        part.mkdir(parents=True)
        (part / "half").write_text("")
        for path in (part / "half", part):
            os.utime(path, (time.time() - age,) * 2)
    publish.run(job(tmp_path), Recorder())
    assert hidden(project) == [".1.young.part"]


@pytest.fixture
def tiny(tmp_path):
    """A file system of 1 MB."""
    place = tmp_path / "tiny"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("size", [2_000_000, 1_048_576 - 4096, 1_048_576 - 12_288])
def test_a_full_disk_leaves_nothing(tmp_path, tiny, size):
    inputs = [given(tmp_path / "in", "a.zip", b"x" * size)]
    stage = {"uses": "publish", "folder": str(tiny)}
    with pytest.raises(StageFailed, match=r"the disk is full: .*free some space"):
        publish.run(job(tmp_path, inputs, stage=stage), Recorder())
    assert [path for path in (tiny / "almanac").iterdir() if path.name != ".lock"] == []


def test_a_read_only_target_is_told(tmp_path, tiny):
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    stage = {"uses": "publish", "folder": str(tiny)}
    with pytest.raises(StageFailed, match=r"nothing was published: .*read-only file system"):
        publish.run(job(tmp_path, stage=stage), Recorder())


def publish_quietly(one):
    publish.run(one, Recorder())


def wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.0005)


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_no_half_release(tmp_path, project):
    inputs = [given(tmp_path / "in", f"{n}.bin", os.urandom(300_000)) for n in range(12)]
    start = multiprocessing.get_context("fork").Process
    rng = random.Random(7)
    begun = time.perf_counter()
    publish.run(job(tmp_path, inputs, version="0", number=0), Recorder())
    takes = time.perf_counter() - begun
    seen = set()
    for number in range(1, 25):
        version = str(number)
        one = job(tmp_path, inputs, version=version, number=number)
        process = start(target=publish_quietly, args=(one,))
        process.start()
        if number == 24:
            # Once for sure just after the release has appeared, however slow the machine is.
            wait_for(project / version)
        elif number > 1:
            time.sleep(rng.uniform(0, takes * 1.2))
        process.kill()
        process.join()
        there = (project / version).exists()
        seen.add(there)
        assert not there or verify(project / version) == []
        assert verify(project) == []
        publish.run(one, Recorder())
        assert verify(project / version) == []
        assert latest(project) == version
    assert seen == {True, False}


@pytest.mark.slow
def test_many_publishers_at_once(tmp_path, project):
    start = multiprocessing.get_context("fork").Process
    one = job(tmp_path)
    others = [job(tmp_path, version=f"2.{n}", number=n) for n in (20, 21)]
    running = [start(target=publish_quietly, args=(each,)) for each in (one, one, *others)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * 4
    assert latest(project) == "2.21"
    assert hidden(project) == []
