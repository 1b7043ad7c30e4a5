"""Lines: where each key of a TOML text stands, however it is written."""

import tomllib
from textwrap import dedent

import pytest

from slipway.config.line_numbers import Lines

TEXT = dedent("""\
    # a comment
    top = 1
    [site]
    title = "a"   # said
    "quoted key" = 1
    a.b.c = 2

    [project.almanac]
    branches = [
      "main",     # [not.a.table]
      "next",
    ]
    text = '''
    [not.a.table]
    needs = 1
    '''
    inline = { one = 1, two = { three = 3 } }
    last = 1
    [project."the other"]
    x = 1
    [[project.almanac.suites]]
    runner = "a"
    [project.almanac.suites.deep]
    y = 1
    [[project.almanac.suites]]
    runner = "b"
    [[project.almanac.suites.inner]]
    z = 1
    [[project.almanac.suites.inner]]
    z = 2
    [ project . spaced ]
    w = 1
    """)

WHERE = [
    (("top",), 2),
    (("site",), 3),
    (("site", "title"), 4),
    (("site", "quoted key"), 5),
    (("site", "a"), 6),
    (("site", "a", "b", "c"), 6),
    (("project", "almanac"), 8),
    (("project", "almanac", "branches"), 9),
    (("project", "almanac", "branches", 1), 9),
    (("project", "almanac", "text"), 13),
    (("project", "almanac", "inline", "two", "three"), 17),
    (("project", "almanac", "last"), 18),
    (("project", "the other"), 19),
    (("project", "the other", "x"), 20),
    (("project", "almanac", "suites", 0), 21),
    (("project", "almanac", "suites", 0, "runner"), 22),
    (("project", "almanac", "suites", 0, "deep"), 23),
    (("project", "almanac", "suites", 0, "deep", "y"), 24),
    (("project", "almanac", "suites", 1), 25),
    (("project", "almanac", "suites", 1, "runner"), 26),
    (("project", "almanac", "suites", 1, "inner", 0), 27),
    (("project", "almanac", "suites", 1, "inner", 0, "z"), 28),
    (("project", "almanac", "suites", 1, "inner", 1), 29),
    (("project", "almanac", "suites", 1, "inner", 1, "z"), 30),
    (("project", "spaced"), 31),
    (("project", "spaced", "w"), 32),
]


def reach(data, path):
    for part in path:
        data = data[part]
    return data


@pytest.mark.parametrize(("path", "line"), WHERE, ids=str)
def test_each_key_has_its_line(path, line):
    reach(tomllib.loads(TEXT), path)
    assert Lines(TEXT).line(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("site", "not there"), 3),
        (("site", "title", "deeper", 0), 4),
        (("project", "almanac", "suites", 7, "runner"), 21),
        (("nowhere", "at", "all"), 1),
        ((), 1),
    ],
)
def test_what_is_not_there_has_the_line_of_what_is_around_it(path, line):
    assert Lines(TEXT).line(path) == line


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_kinds_of_line_ends_count(end):
    lines = Lines(TEXT.replace("\n", end))
    assert [lines.line(path) for path, _ in WHERE] == [line for _, line in WHERE]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "   "])
def test_an_empty_text_has_one_line(text):
    assert Lines(text).line(("site", "title")) == 1


@pytest.mark.parametrize("strange", ["\u2028", "\u2029", "\x85"])
def test_only_a_line_feed_ends_a_line(strange):
    text = f'[site]\ntitle = "a{strange}b"\n# and {strange} here\nurl = 1\n'
    tomllib.loads(text)
    assert Lines(text).line(("site", "url")) == 4


def test_a_long_file_is_read_in_no_time():
    text = "".join(f"[project.p{n}]\na = [\n1,\n]\nb = 2\n" for n in range(1000))
    assert Lines(text).line(("project", "p999", "b")) == 5000
