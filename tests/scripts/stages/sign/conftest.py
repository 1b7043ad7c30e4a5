"""A signing job: inputs, secrets, and what came of it."""

import hashlib
import json
from pathlib import Path

import pytest

from slipway.model.protocol.event import ArtefactLeft, Notice, Summary
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.scripts.archives.pack import pack_tree, unpack
from slipway.scripts.authenticode import timestamps
from slipway.scripts.report import Report, encode
from slipway.scripts.stage import do
from tests.support.signing import program, signed_by, signer, stranger

EPOCH = 1_700_000_000


class Recorder(Report):
    def __init__(self):
        self.events = []
        self.lines = []

    def emit(self, event):
        encode(event)
        self.events.append(event)

    def log(self, text):
        self.lines.append(text)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def everything(self):
        return "\n".join([*self.lines, *(event.model_dump_json() for event in self.events)])


class Done:
    """What a signing left."""

    def __init__(self, code, report, output):
        self.code, self.report, self.output = code, report, output

    @property
    def error(self):
        (only,) = [one.text for one in self.report.of(Notice) if one.level == "error"]
        return only

    @property
    def warnings(self):
        return [one.text for one in self.report.of(Notice) if one.level == "warning"]

    @property
    def notices(self):
        return [one.text for one in self.report.of(Notice)]

    @property
    def names(self):
        return [one.name for one in self.report.of(ArtefactLeft) if one.role == "product"]

    @property
    def facts(self):
        (only,) = self.report.of(Summary)
        return only.facts

    @property
    def text(self):
        (only,) = self.report.of(Summary)
        return only.text

    @property
    def described(self):
        return json.loads((self.output / "sign.json").read_text())


def given(path: Path, uses: str = "freeze", stage: str = "freeze") -> Input:
    data = path.read_bytes()
    return Input(
        stage=stage,
        uses=uses,
        name=path.name,
        path=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )


@pytest.fixture
def frozen(tmp_path):
    """Return a maker of frozen programs: files by name below the top folder."""

    def make(files, tag="win-amd64", name="shelf"):
        tree = tmp_path / "trees" / tag
        for inside, data in files.items():
            path = tree / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o755 if inside.endswith(".exe") else 0o644)
        target = tmp_path / "given" / f"{name}-{tag}.tar.zst"
        target.parent.mkdir(exist_ok=True)
        pack_tree(tree, target, epoch=EPOCH, root=name)
        return given(target)

    return make


@pytest.fixture
def tree(frozen, tmp_path):
    """A frozen program of which Python's own library is signed."""
    return frozen(
        {
            "shelf.exe": program(),
            "lib/shelf/_fast.pyd": program(),
            "lib/notes.txt": b"MZ, and yet a text",
            "python311.dll": signed_by(stranger(), program(), tmp_path / "foreign"),
        }
    )


def check_nothing_stays(done, secrets):
    """See that no key and no folder with one is left, whatever came of it."""
    assert not list(done.output.glob(".signing-*"))
    told = done.report.everything
    for name in ("SIGNING_KEY", "SIGNING_PASSWORD"):
        for line in secrets.get(name, "").splitlines():
            assert line.startswith("-----") or line not in told
    assert done.code == 0 or list(done.output.iterdir()) == []


@pytest.fixture
def sign(tmp_path, monkeypatch):
    """Return a function that runs the stage as `slipway stage sign` does."""
    monkeypatch.chdir(tmp_path)
    # No test waits as long as a person would.
    monkeypatch.setattr(timestamps, "PAUSES", (0.01, 0.01))

    def run(*inputs, secrets=None, committed_at=EPOCH, **keys):
        usual = {"SIGNING_CERTIFICATE": signer().pem, "SIGNING_KEY": signer().key_pem()}
        secrets = usual if secrets is None else secrets
        job = Job(
            project="shelf",
            name="sign",
            stage={"uses": "sign", "needs": ["freeze"], "timestamp": False, **keys},
            run=RunFacts(
                number=7, revision="ab", branch="main", committed_at=committed_at, version="1+7"
            ),
            inputs=inputs,
            output=str(tmp_path / "output"),
            cache=str(tmp_path / "cache"),
            state=str(tmp_path / "state"),
            answers=secrets,
            secrets=tuple(secrets),
        )
        report = Recorder()
        done = Done(do(job, report), report, tmp_path / "output")
        check_nothing_stays(done, secrets)
        return done

    return run


@pytest.fixture
def opened(tmp_path):
    """Return a function that unpacks what was left."""

    def unpacked(done, name="shelf-win-amd64.tar.zst"):
        folder = tmp_path / "opened"
        unpack(done.output / name, folder)
        return folder / "shelf"

    return unpacked
