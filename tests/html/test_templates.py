"""Templates: nothing in them acts that came from outside, whatever it is and wherever it stands."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError, nodes
from markupsafe import Markup

from slipway.html import pictures, templates, terminal
from slipway.html.templates import beside, clean, environment, is_link

ROOT = Path(__file__).parents[2]
ROOMS = ("pipeline", "scripts", "sessions", "steps", "workers", "www")
TEMPLATES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.html.j2"))
SOURCES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if "node_modules" not in path.parts
)
ATTACKS = [
    "</script><script>alert(1)</script>",
    "</style></title></textarea></pre><script>alert(1)</script>",
    '" onload="alert(1)',
    "' onload='alert(1)",
    "x onload=alert(1) ",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "${alert(1)}`",
    "<!--<script>",
    "]]>",
    "&lt;script&gt;",
    "a\0b\x07\x1b[31mred\x1b[0m\x7f\x85",
    "\u202egnp.exe\u2066\u2069\u200e\u200f",
    "\ud800\udfff",
    "\ufeff\u2028\u2029",
    "a\r\nb\tc",
    Exception("<b>"),
    b"<b>",
    12,
    None,
]


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_data(self, data):
        self.texts.append(data)


def one_of(source, **given):
    return environment().from_string(source).render(given)


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_a_text_stays_a_text_wherever_it_stands(attack):
    page = one_of("<p title=\"{{ x }}\" class='{{ x }}'>{{ x }}</p>", x=attack)
    reader = Reader(page)
    said = clean(str(attack))
    assert reader.tags == [("p", [("title", said), ("class", said)])]
    assert "".join(reader.texts) == said
    page.encode()
    assert page.isprintable()


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
def test_a_text_stays_a_text_in_what_a_macro_is_given(attack):
    macro = '{% macro m(x) %}<b title="{{ x }}">{{ caller() }}</b>{% endmacro %}'
    source = macro + "{% call m(x) %}{{ x }}{% endcall %}"
    assert [tag for tag, _ in Reader(one_of(source, x=attack)).tags] == ["b"]


def test_what_nobody_gave_is_an_error():
    for source in (
        "{{ x }}",
        "{{ y.x }}",
        "{% if x %}{% endif %}",
        "{% for one in x %}{% endfor %}",
    ):
        with pytest.raises(UndefinedError, match="x"):
            one_of(source, y="")


@pytest.mark.parametrize(
    "text", ["a\u00a0b", "a\u200db", "a\nb", "\ud800", "\u202e", "\x85", "\x00"]
)
def test_a_sign_that_is_none_becomes_a_space(text):
    assert clean(text).isprintable()
    assert len(clean(text)) == len(text)
    assert clean("Grüße, 月 ✓ 😀") == "Grüße, 月 ✓ 😀"


# ---- addresses


@pytest.mark.parametrize(
    "address",
    [
        *("https://example.org/a?b=c:d#e", "HTTP://example.org", "mailto:ann@example.org"),
        *("./a.zip", "a/b.html", "#part", "/auth/login", "?x=a:b", "./data:x", "../up", ""),
    ],
)
def test_an_address_that_may_become_a_link(address):
    assert is_link(address)


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:x"),
        *("java\nscript:x", "\x01javascript:x", "javascript\0:x", "data:text/html,x"),
        *("vbscript:x", "file:///etc/passwd", "blob:x", "ftp://x", "about:blank", "intent://x"),
        *("view-source:https://x", "//evil.example", "\\\\evil.example", "/\\evil.example"),
        "\u202ejavascript:x",
        *("https:\x00//x", "https://x/\ud800", "javascript&colon;x:", "x y:z", "https ://x"),
    ],
)  # fmt: skip
def test_an_address_that_may_not(address):
    assert not is_link(address)
    page = one_of(
        '{% from "slipway.html/parts.html.j2" import link %}{{ link(x, "text") }}', x=address
    )
    assert page == "text"


@pytest.mark.parametrize(
    "name", [*map(str, ATTACKS), "data:x", "a b.zip", "..", "#x", "?x", "a%2fb"]
)
def test_a_file_beside_the_page_is_always_a_link_and_nothing_else(name):
    address = beside(name)
    assert is_link(address)
    assert address.startswith("./")
    assert re.fullmatch(r"[\w./%~-]*", address, re.ASCII)


# ---- what becomes HTML by a function of its own


@pytest.mark.parametrize("attack", [str(one) for one in ATTACKS], ids=repr)
def test_what_a_terminal_was_given_is_text(attack):
    found = terminal.lines(f"one\n\x1b[1;31m{attack}\x1b[0m\n\x1b]8;;http://x\x07two\x1b]8;;\x07")
    assert isinstance(found, Markup)
    assert Reader(found).tags == []
    assert all(line.isprintable() for line in found.split("\n"))
    assert found.startswith("one\n")
    assert found.endswith("\ntwo")


def test_lines_of_a_terminal_are_cut_where_a_log_needs_it():
    assert terminal.lines("abcde\n\nfg", width=2) == "ab\ncd\ne\n\nfg"
    assert max(map(len, terminal.lines("'" * 9000, width=600).split("\n"))) <= 600 * 6


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\x89PNG", b" \xff\xd8\xff", b"<script>"]
)
def test_what_begins_like_no_picture_is_none(data):
    assert pictures.source(data) is None


def test_a_picture_is_data_and_nothing_is_fetched():
    data = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    whole, cut = pictures.source(data), pictures.source(data, in_lines=True)
    assert re.fullmatch("data:image/png;base64,[A-Za-z0-9+/=]+", whole)
    assert cut.replace("\n", "") == whole
    assert max(map(len, cut.split("\n"))) < 4096
    assert pictures.source(b"\xff\xd8\xff\xe0").startswith("data:image/jpeg;base64,")


def test_a_style_or_script_that_would_end_its_element_is_refused(tmp_path, monkeypatch):
    (tmp_path / "pack_of_css").mkdir()
    (tmp_path / "pack_of_css" / "__init__.py").touch()
    (tmp_path / "pack_of_css" / "x.css").write_text("a { } </style><script>")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r'pack_of_css/x\.css holds "</"'):
        templates.asset("pack_of_css/x.css")


# ---- what the templates may hold


def ids(path):
    return str(path.relative_to(ROOT))


def test_there_are_templates_in_every_room_with_pages():
    assert {path.relative_to(ROOT).parts[0] for path in TEMPLATES} == {
        "pipeline",
        "scripts",
        "steps",
        "www",
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_a_template_has_no_way_around_escaping(path):
    tree = environment().parse(path.read_text())
    # Each of these makes HTML of a text, or puts one beside HTML before it was cleaned.
    assert list(tree.find_all((nodes.Concat, nodes.MarkSafe, nodes.EvalContextModifier))) == []
    assert {one.name for one in tree.find_all(nodes.Filter)} <= {"length", "reverse", "sum"}


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_an_attribute_is_quoted_and_no_handler(path):
    text = path.read_text()
    assert re.findall(r"=\s*\{[{%]", re.sub(r"\{[{%].*?[%}]\}", lambda one: one[0][:2], text)) == []
    assert re.findall(r"\son\w+\s*=", text) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_an_address_becomes_a_link_in_one_place(path):
    found = re.findall(
        r'(?:href|action|formaction|srcset|poster)="[^"]*\{\{[^"]*"', path.read_text()
    )
    allowed = {
        # One place looks whether it may.
        "parts.html.j2": ['href="{{ address }}"'],
        # The icon's colour, one of the palette's.
        "report.html.j2": [one for one in found if one.startswith('href="data:image/svg+xml,')],
    }
    assert found == allowed.get(path.name, [])


@pytest.mark.parametrize("path", TEMPLATES, ids=ids)
def test_no_data_stands_in_a_script_or_a_style(path):
    for inside in re.findall(
        r"<(?:script|style)[^>]*>(.*?)</(?:script|style)>", path.read_text(), re.DOTALL
    ):
        for shown in re.findall(r"\{\{(.*?)\}\}", inside):
            # Of a mail: the colours of the palette by their names, since it takes no variables.
            assert re.fullmatch(
                r' (?:asset\("[\w./]+"\)|palette\("[.:\w]+"(?:, dark=false)?\)|dark\.\w+) ', shown
            )


# ---- no HTML anywhere else

_ELEMENTS = (
    "a abbr article aside b blockquote body br button code dd details div dl dt em fieldset figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input kbd label legend li link "
    "main meta nav ol option output p path pre script section select small span strong style sub "
    "summary sup svg table tbody td template textarea th thead time title tr u ul video"
)
_TAG = re.compile(
    rf"(?<!\?P)</?(?:{'|'.join(_ELEMENTS.split())})(?=[\s>/]|\Z)|<!doctype", re.IGNORECASE
)
#: A text in which a tag is meant as one, and why it is no template.
_ALLOWED = {
    # The words before a page that lxml writes: in the application's environment there is no jinja2.
    ("sessions/desktop/page.py", "<!doctype html>"),
    # What a step may look for.
    ("sessions/steps/assertions.py", 'Then the response should contain "<h1>"'),
}


def texts_of(path):
    """Return all texts of a source but those that only tell what it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.lineno, node.value


@pytest.mark.slow
def test_no_source_holds_html():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in SOURCES
        for line, text in texts_of(path)
        if _TAG.search(text) and (str(path.relative_to(ROOT)), text) not in _ALLOWED
    ]
    assert found == [], "HTML belongs into a template, a .html.j2 beside the source"


def test_what_is_allowed_is_there():
    for name, text in _ALLOWED:
        assert text in {found for _, found in texts_of(ROOT / name)}


def test_the_search_finds_what_it_is_for(tmp_path):
    source = tmp_path / "x.py"
    for code in ("f'<b>{x}</b>'", "'<p class=\"x\">'", "f'{x}</div>'", "'<a ' + x", "f'<br/>{x}'"):
        source.write_text(f"x = 1\ny = {code}\n")
        assert any(_TAG.search(text) for _, text in texts_of(source)), code
