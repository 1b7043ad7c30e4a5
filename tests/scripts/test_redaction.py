"""What a stage's script says and leaves, without the stage's secrets."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import ArtefactLeft, Document, Notice, Picture, Piece, Progress
from slipway.scripts.redaction import MaskedReport
from slipway.scripts.stages.tests import run as tests_stage

TOKEN = "hunter2&<hunter3>"
FAILING = """
import os, unittest

TOKEN = os.environ["TOKEN"]

class T(unittest.TestCase):
    def test_it(self):
        with self.subTest(token=TOKEN):
            print("printed", TOKEN)
            self.fail("it was " + TOKEN)

setattr(T, "test_" + TOKEN, lambda self: None)
"""


@pytest.fixture
def masked(recorder):
    recorder.sends = True
    return MaskedReport(recorder, [TOKEN])


def pieces(recorder):
    return [piece.data for piece in recorder.of(Piece)]


def test_lines_and_events(masked, recorder):
    masked.log("before")
    masked.log(f"it is {TOKEN} now\n")
    masked.log("it is hunter2&")
    masked.progress("half of it was said")
    masked.log("<hunter3> now")
    masked.log("ends with hun")
    masked.notice(f"no good: {TOKEN}", level="error")
    masked.end()
    assert recorder.said == "before\nit is **** now\nit is ****\n now\nends with hun"
    assert [event.text for event in recorder.of(Progress | Notice)] == [
        "half of it was said",
        "no good: ****",
    ]


def test_reports_for_people_are_masked(masked, recorder, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(f"é {TOKEN}\r\nx{TOKEN[:9]}\n{TOKEN[9:]}\xff\n".encode("latin-1"))
    path.chmod(0o640)
    masked.artefact(path, role="report")
    assert path.read_bytes() == "é ****\r\nx****\n\xff\n".encode("latin-1")
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(recorder.of(ArtefactLeft)) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_an_artefact_that_is_called_like_a_secret_is_refused(recorder, tmp_path):
    masked = MaskedReport(recorder, ["hunter2"])
    path = tmp_path / "hunter2.zip"
    path.write_bytes(b"x")
    with pytest.raises(StageFailed, match="the name of an artefact holds a secret"):
        masked.artefact(path)
    assert recorder.events == []


def test_texts_for_the_page_are_masked_and_arrive_whole(masked, recorder, tmp_path):
    (tmp_path / "page.html").write_text(f"<p>{TOKEN} and hunter2&amp;&lt;hunter3&gt;</p>")
    (tmp_path / "shot.png").write_bytes(b"\x89PNG and more")
    masked.document(tmp_path / "page.html", media_type="text/html")
    masked.picture(tmp_path / "shot.png")
    (document,), (picture,) = recorder.of(Document), recorder.of(Picture)
    texts = [base64.b64decode(piece) for piece in pieces(recorder)]
    assert texts == [b"<p>**** and ****</p>", b"\x89PNG and more"]
    assert [hashlib.sha256(text).hexdigest() for text in texts] == [
        document.sha256,
        picture.sha256,
    ]


def test_a_picture_that_holds_a_secret_is_not_shown(masked, recorder, tmp_path):
    (tmp_path / "shot.png").write_bytes(b"\x89PNG" + TOKEN.encode())
    masked.picture(tmp_path / "shot.png")
    assert pieces(recorder) == []
    (told,) = recorder.of(Notice)
    assert told.text == "a picture holds a secret of this stage and is not shown"


def test_a_hash_that_holds_a_short_secret_by_chance_stays(recorder, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"x")
    MaskedReport(recorder, ["2d71"]).artefact(path)
    (left,) = recorder.of(ArtefactLeft)
    assert left.sha256.startswith("2d71")


@pytest.mark.slow
def test_names_messages_and_files_of_tests(project, make_job, recorder):
    project({"test_it.py": FAILING})
    job = make_job({"uses": "tests", "suites": [{"runner": "unittest"}], "env": {"TOKEN": TOKEN}})
    masked = MaskedReport(recorder, [TOKEN])
    with pytest.raises(StageFailed) as raised:
        tests_stage.run(job, masked)
    masked.end()
    assert TOKEN not in masked.mask(str(raised.value))
    assert TOKEN not in recorder.said
    assert "printed ****" in recorder.said
    assert TOKEN not in json.dumps([event.model_dump() for event in recorder.events])
    reports = [one.path for one in recorder.of(ArtefactLeft)]
    assert len(reports) == 2
    for path in reports:
        text = Path(path).read_text(encoding="utf-8")
        assert "****" in text
        assert "hunter" not in text
