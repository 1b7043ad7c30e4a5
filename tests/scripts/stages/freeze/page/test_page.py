"""The report page: what it says, that nothing on it acts, and the picture's boxes."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.scripts.stages.freeze.contents.distributions import Distribution
from slipway.scripts.stages.freeze.contents.files import Held
from slipway.scripts.stages.freeze.contents.licences import Licences
from slipway.scripts.stages.freeze.contents.parts import Part
from slipway.scripts.stages.freeze.libraries.closure import Closure, Finding
from slipway.scripts.stages.freeze.page.page import Facts, Started, freeze_page
from slipway.scripts.stages.freeze.page.reasons import module_of, reasons
from slipway.scripts.stages.freeze.page.treemap import squarify
from slipway.scripts.stages.freeze.stage import FreezeStage

EVIL = "</title></style><script>alert(1)</script>\" onload='alert(1)"
INSPECTED = {
    "executables": ["shop"],
    "platform": "linux-x86_64",
    "files": 1726,
    "size": 65_000_000,
    "python": "3.11.7",
    "cx_freeze": "8.7.3",
    "added": [],
    "missing": {},
}


def part(key, size=1000, kind="distribution", *paths, requires=()):
    held = tuple(Held(path, size, "ab" * 32) for path in paths or (f"lib/{key}/__init__.pyc",))
    known = Distribution(key, "1.0", Licences(["MIT"]), tuple(requires), "")
    return Part(key, kind, key, "1.0", held, known if kind == "distribution" else None)


def facts(*parts, **more):
    given = {
        "name": "shop",
        "inspected": INSPECTED,
        "parts": parts,
        "reasons": {one.key: [f"why {one.key}"] for one in parts},
        "started": [],
        "libraries": Closure((), (), "glibc 2.17"),
    }
    return Facts(**(given | more))


@pytest.fixture
def page(make_job):
    job = make_job({"uses": "freeze"})
    return lambda *parts, **more: freeze_page(job, facts(*parts, **more))


def test_it_says_what_was_frozen_and_why(page):
    text = page(
        part("flask", 4_000_000),
        part("jinja2", 900),
        started=[Started("shop --version", 0.2, 1.5), Started("window", 10.0, None, goes_on=True)],
        libraries=Closure((Finding(is_error=False, text="libpq.so.5 may be missing"),), (), ""),
        warnings=["the tests fail"],
        lines=['includes = ["x"]'],
        inspected=INSPECTED | {"added": [{"key": "includes", "value": "x", "reason": "used"}]},
        bill="shop-linux-x86_64.cdx.json",
    )
    for said in (
        "1.4.0+7",
        "65 MB in 1726 files",
        "why flask",
        "MIT",
        "1.50 s",
        "0.20 s",
        "goes on",
        "libpq.so.5 may be missing",
        "the tests fail",
        "includes = [&#34;x&#34;]",
        "shop-linux-x86_64.cdx.json",
    ):
        assert said in text, said
    assert re.search(r"<title>flask 1.0: 4.0 MB \(100%\)</title>", text)
    # Nothing is fetched, and no script may run.
    assert "default-src 'none'" in text
    assert not re.search(
        r"(?:src|href|url)\s*[=(]|@import|<script|<link", text.partition("</style>")[2]
    )


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))


def test_names_of_packages_and_words_of_programs_stay_text(page):
    """A page with hostile texts everywhere has the tags of one without."""

    def made(word):
        return Tags(
            page(
                part(word, 4_000_000),
                name=word,
                started=[Started(word, 1.0, 2.0)],
                warnings=[word],
                lines=[word],
                libraries=Closure((Finding(is_error=False, text=word),), (), word, (word,)),
                inspected=INSPECTED
                | {
                    "added": [{"key": word, "value": word, "reason": word}],
                    "missing": {word: [word]},
                },
            )
        ).found

    assert made(EVIL) == made("plain words of about the same length, no more")


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=40))
def test_boxes_fill_the_area_in_proportion(sizes):
    sizes.sort(reverse=True)
    boxes = squarify(sizes, 1000, 400)
    assert len(boxes) == len(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(size / sum(sizes) * 400_000, rel=1e-6)
        assert box.x >= -1e-6
        assert box.y >= -1e-6
        assert box.x + box.width <= 1000 + 1e-6
        assert box.y + box.height <= 400 + 1e-6


def test_nothing_has_no_boxes():
    assert squarify([], 100, 100) == []


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("lib/flask/__init__.pyc", "flask"),
        ("lib/flask/app.pyc", "flask.app"),
        ("lib/library.zip/os.pyc", "os"),
        ("lib/pkg/_x.cpython-311-x86_64-linux-gnu.so", "pkg._x"),
        ("lib/_x.cp311-win_amd64.pyd", "_x"),
        ("lib/libz-12.so.1", ""),
        ("lib/flask/py.typed", ""),
        ("shop", ""),
    ],
)
def test_modules_of_files(path, module):
    assert module_of(path) == module


def test_reasons():
    parts = [
        part("application", 1, "application", "lib/shop/app.pyc"),
        part("python", 1, "python", "lib/library.zip/os.pyc"),
        part("flask", requires=["jinja2", "late"]),
        part("jinja2"),
        part("late"),
        part("named"),
        part("seen", 1, "distribution", "lib/seen/__init__.pyc", "lib/seen/x.py"),
    ]
    guest = {
        "python": "3.11.7",
        "places": {"imported_by": {"flask": "shop.app", "jinja2": "flask", "os": "nosuch"}},
        "added": [
            ("includes", "seen", "used by `shop --help`"),
            ("include-files", "/home/x/site-packages/seen/x.py:lib/seen/x.py", "opened"),
            ("metadata", "Seen", "used in the tests"),
            ("includes", "gone", "never"),
        ],
    }
    stage = FreezeStage(uses="freeze", packages=("named",))
    found = reasons(parts, guest, stage, ())
    assert found["flask"] == ["imported by application"]
    assert found["jinja2"] == ["imported by flask"]
    assert found["late"] == ["required by flask"]
    assert found["named"] == ["packages of the stage: named"]
    assert found["seen"] == [
        "learned: seen used by `shop --help`; lib/seen/x.py opened; Seen used in the tests"
    ]
    assert found["application"] == ["the program itself"]
