"""Named locators, evaluated by lxml on real markup."""

from __future__ import annotations

import lxml.html
import pytest

from slipway.sessions.errors import SessionError
from slipway.sessions.label_search import labels_first
from slipway.sessions.locators import KINDS, described, inside, literal, named

PAGE = """<html><head><title>Name</title></head><body><h1 id="top">Name your things</h1>
<form><label for="a">Name</label><input id="a" name="first">
<label for="b">Name of the dog</label><input id="b" TYPE="Text" name="second">
<label>Agree <input type="CheckBox" id="c" name="agree"></label>
<label>Colour <select id="d"><option value="r">Red</option>
<option>Red wine</option></select></label>
<label><input type="radio" id="e" name="size" value="s"> Small</label>
<textarea id="f" placeholder="Say\xa0something"></textarea>
<input id="g" type="file" aria-label="Picture"><input type="hidden" id="h" name="secret">
<button id="i" type="submit" title="Keep it">Save all</button>
<input id="j" type="submit" value="Save"><input id="k" type="image" alt="Draw">
<input id="l" type="reset" value="Clear"><div id="m" role="button">Role</div>
<input id="n" title="It's &quot;quoted&quot;">
<div id="1" aria-label="Notes" contenteditable></div><p id="2" title="Notes"
contenteditable="FALSE"></p></form>
<a id="o" href="/x"> Read
 more </a><a id="p" href="/y"><img id="q" alt="Home"></a><span role="link" id="r">Go</span>
<a id="s" name="anchor">Read nothing</a>
<fieldset id="t"><legend>Address</legend><input id="u" name="street"></fieldset>
<table id="v"><caption>Prices of today</caption><tr id="w"><td>Bread</td><td>2</td></tr>
<tr id="x"><td>Bread rolls</td><td>Butter</td></tr></table>
<select id="y"><optgroup id="z" label="Rare"><option>Violet</option></optgroup></select>
<script>var x = "Bread";</script></body></html>"""
TREE = lxml.html.document_fromstring(PAGE).getroottree()


def ids(kind, locator, **more):
    return [one.get("id") for one in TREE.xpath(named(kind, locator, **more))]


@pytest.mark.parametrize(
    ("kind", "locator", "found"),
    [
        ("field", "secret", ""),
        ("field", "first", "a"),
        ("field", "Name", "ab"),
        ("field", "Name  of\nthe dog", "b"),
        ("fillable_field", "second", "b"),
        ("fillable_field", "Say something", "f"),
        ("fillable_field", "Agree", ""),
        ("fillable_field", "secret", ""),
        ("fillable_field", "Notes", "1"),
        ("field", "Notes", "1"),
        ("field", "street", "u"),
        ("file_field", "Picture", "g"),
        ("checkbox", "Agree", "c"),
        ("checkbox", "agree", "c"),
        ("radio", "Small", "e"),
        ("select", "Colour", "d"),
        ("option", "r", ""),
        ("optgroup", "Rare", "z"),
        ("fieldset", "Address", "t"),
        ("button", "Save", "ij"),
        ("button", "Keep it", "i"),
        ("button", "Draw", "k"),
        ("button", "Clear", "l"),
        ("button", "Role", "m"),
        ("link", "Read more", "o"),
        ("link", "Home", "p"),
        ("link", "Go", "r"),
        ("link", "nothing", ""),
        ("link_or_button", "Go", "r"),
        ("link_or_button", "Save", "ij"),
        ("table", "Prices", "v"),
        ("row", "Bread", "wx"),
        ("id", "b", "b"),
        ("id_or_name", "second", "b"),
        ("image", "Home", "q"),
        ("image", "Draw", "k"),
        ("content", "your things", ""),
        ("xpath", "//h1 | //legend", ""),
    ],
)
def test_finds_things_by_what_people_call_them(kind, locator, found):
    if kind == "content":
        assert ids(kind, locator) == ["top"]
    elif kind == "option":
        assert [one.text for one in TREE.xpath(named(kind, locator))] == ["Red"]
    elif kind == "xpath":
        assert len(TREE.xpath(named(kind, locator))) == 2
    else:
        assert ids(kind, locator) == list(found)


@pytest.mark.parametrize(
    ("kind", "locator", "found"),
    [
        ("field", "Name", "a"),
        ("field", "Colour", "d"),
        ("button", "Save", "j"),
        ("checkbox", "Agr", ""),
        ("row", "Bread", "w"),
        ("link", "Read more", "o"),
    ],
)
def test_an_exact_name_leaves_out_those_that_only_hold_it(kind, locator, found):
    assert ids(kind, locator, exact=True) == list(found)


def test_content_is_the_innermost_element_and_never_a_script():
    assert [one.tag for one in TREE.xpath(named("content", "Bread"))] == ["td", "td"]
    assert ids("content", 'x = "Bread"') == []


@pytest.mark.parametrize(
    "text",
    ["plain", "it's", 'say "x"', "both ' and \"", '"', "'", "\"'\"'", "a | b", "]", "ä ß 漢 😀"],
)
def test_literals_hold_any_quotes(text):
    assert TREE.xpath(f"string({literal(text)})") == text


def test_a_locator_of_both_quotes_finds_its_field():
    assert ids("field", 'It\'s "quoted"') == ["n"]


@pytest.mark.parametrize("text", ["a\0b", "\x1b", "\ud800", "\ufffe"])
def test_what_no_page_can_hold_is_told(text):
    with pytest.raises(SessionError, match="no page can hold"):
        named("field", text)


@pytest.mark.parametrize("text", ["", "  ", "\n", "\xa0"])
def test_an_empty_locator_finds_nothing_and_says_so(text):
    with pytest.raises(SessionError, match="an empty name finds no button"):
        named("button", text)


def test_an_unknown_kind_tells_the_known_ones():
    with pytest.raises(SessionError, match=r'finds no "knob".*field, .*button'):
        named("knob", "x")


def test_every_kind_is_xpath_also_inside_an_element():
    body = TREE.getroot().find("body")
    for kind in KINDS:
        if kind in {"css", "xpath"}:
            continue
        for exact in (False, True):
            xpath = named(kind, "a'b\"c | [//d]", exact=exact)
            assert TREE.xpath(xpath) == []
            assert body.xpath(inside(xpath)) == []
            assert inside(xpath).startswith(".//")


@pytest.mark.parametrize(
    ("xpath", "expected"),
    [
        ("//a", ".//a"),
        ("//a | //b", ".//a | .//b"),
        ("(//a | /b)[1]", "(.//a | ./b)[1]"),
        ("//a[@x = //b/@y]|//c", ".//a[@x = //b/@y]|.//c"),
        ("//a[contains(., ' | //x')] | //b", ".//a[contains(., ' | //x')] | .//b"),
        ('//a[. = "]"]//b', './/a[. = "]"]//b'),
        ("  //a", "  .//a"),
        ("self::a/b", "self::a/b"),
        ("a//b", "a//b"),
        (".//a", ".//a"),
    ],
)
def test_an_xpath_of_the_document_is_counted_from_an_element(xpath, expected):
    assert inside(xpath) == expected


def test_descriptions_are_parts_of_sentences():
    assert described("field", "Name") == 'field "Name"'
    assert described("link_or_button", " Go\n on ") == 'link or button "Go on"'
    assert described("knob", "x") == 'knob "x"'


def test_css_is_told_when_it_cannot_be_used_or_is_wrong():
    try:
        import cssselect  # noqa: F401
    except ImportError:
        with pytest.raises(SessionError, match="need the package cssselect"):
            named("css", "#a")
    else:
        assert ids("css", "#a, input[name=second]") == ["a", "b"]
        with pytest.raises(SessionError, match="is no CSS selector"):
            named("css", "a[")


def looked_for(xpath):
    """Check that the quick XPath finds the same; return which labels were looked for."""
    asked = []

    def look(labels):
        asked.append(labels)
        return TREE.xpath(labels)

    assert TREE.xpath(labels_first(xpath, look)) == TREE.xpath(xpath)
    return asked


def test_labels_are_looked_for_once_and_the_meaning_stays():
    for kind in ("field", "select", "checkbox"):
        for locator in ("Name", "Colour", "Agree", "none", "a ] b", "@id = //label[x]/@for"):
            xpath = named(kind, locator)
            asked = looked_for(xpath)
            assert len(asked) == 1
            assert asked[0].startswith("//label[")
    for other in (
        named("link", "x"),
        "//a[@id = //label/@for]",
        "//a[@id = //label[1]]",
        "//label[",
    ):
        assert labels_first(other, pytest.fail) == other
