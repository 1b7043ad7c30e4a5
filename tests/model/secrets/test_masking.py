"""Secrets out of texts: every way to write one, line breaks anywhere, streams, and no more."""

import base64
import contextlib
import html
import json
import random
import re
import shlex
import string
import sys
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.model.protocol.event import Notice
from slipway.model.secrets.forms import SHORTEST, is_short
from slipway.model.secrets.masking import STARS, MaskedStream, Masker, masked_event

SECRET = "p@ss/w0rd+&<'\"é 1%"
KEY = "-----BEGIN KEY-----\n" + "\n".join(
    "".join(random.Random(line).choices(string.ascii_letters + "+/", k=64)) for line in range(20)
)
VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*"), min_size=8, max_size=80
).filter(lambda text: len(text.strip()) >= 8)
AROUND = st.text("xyz .,:=\n", max_size=20)


def told(value):
    """Return a value in the ways a program may print it."""
    data = value.encode()
    return {
        "raw": value,
        "reversed": value[::-1],
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "base64": base64.b64encode(data).decode(),
        "base64 after one": base64.b64encode(b"x" + data).decode(),
        "base64 after two": base64.b64encode(b"xy" + data + b"z").decode(),
        "base64 as basic auth": base64.b64encode(b"user:" + data).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(b"\xff\xfe" + data).decode(),
        "quote": quote(value),
        "quote all": quote(value, safe=""),
        "quote small": quote(value, safe="").lower() if value.lower() == value else quote(value),
        "quote plus": quote_plus(value),
        "JSON": json.dumps(value),
        "JSON in JSON": json.dumps(json.dumps({"x": value})),
        "JSON as it is": json.dumps({"x": value}, ensure_ascii=False),
        "repr": repr(value),
        "repr of bytes": repr(data),
        "HTML": html.escape(value),
        "XML": html.escape(value, quote=False),
        "shell": shlex.quote(value),
        **told_by_number(value),
        **told_in_other_bytes(value),
    }


def told_by_number(value):
    """Return a value with its characters there by number, and with colours between them."""
    data, units = value.encode(), value.encode("utf-16-be").hex()
    points = [f"{ord(one):x}" for one in value]
    return {
        "percent": "".join(f"%{byte:02X}" for byte in data),
        "percent small": "".join(f"%{byte:02x}" for byte in data),
        "percent twice": "".join(f"%25{byte:02x}" for byte in data),
        "every second by percent": "".join(
            quote(one, safe="") if n % 2 else f"%{ord(one):02x}" if one < "\x80" else quote(one)
            for n, one in enumerate(value)
        ),
        "decimal": "".join(f"&#{ord(one)};" for one in value),
        "decimal with zeros": "".join(f"&#{ord(one):07};" for one in value),
        "marked": "".join(f"&#x{point};" for point in points),
        "MARKED": "".join(f"&#X{point.upper()};" for point in points),
        "marked in a page": "".join(f"&amp;#x{point};" for point in points),
        "bytes": "".join(f"\\x{byte:02x}" for byte in data),
        "bytes in JSON": json.dumps("".join(f"\\x{byte:02X}" for byte in data)),
        "octal": "".join(f"\\{byte:03o}" for byte in data),
        "units": "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4)),
        "units in JSON": json.dumps(
            "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4))
        ),
        "points": "".join(f"\\u{{{point}}}" for point in points),
        "long": "".join(f"\\U{ord(one):08x}" for one in value),
        "as Go's JSON": json.dumps(value)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026"),
        "colours": "".join(f"\x1b[3{n % 8}m{one}\x1b[0m" for n, one in enumerate(value)),
        "true colours": "\x1b[38;2;255;0;10m".join(value),
        "a link": "\x1b]8;;http://x/\x1b\\".join(value),
        # A backslash of the value's own cannot be told from those before a colour.
        "colours in JSON": json.dumps("\x1b[1m".join(value)) if "\\" not in value else value,
        "colours in repr": repr("\x1b[1m".join(value)) if "\\" not in value else value,
        "hexadecimal with colours": "\x1b[1m".join(data.hex()),
    }


def told_in_other_bytes(value):
    """Return how a value in another encoding reads as UTF-8."""
    found = {}
    for name in ("latin-1", "cp1252", "utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeEncodeError):
            data = value.encode(name)
            if b"\x1b" in data:  # it begins an order to a terminal
                continue
            found[f"{name} as files are read"] = data.decode(errors="surrogateescape")
            read = data.decode(errors="replace")
            # Nobody reads a secret out of signs for what cannot be read.
            if len(re.sub(r"[\0\s\ufffd]", "", read)) >= SHORTEST:
                found[f"{name} as output is read"] = read
    return found


@pytest.mark.parametrize("how", told(SECRET))
@pytest.mark.parametrize("before", ["", "it is ", "é=", "{", "x"])
def test_a_secret_is_masked_however_it_is_written(how, before):
    text = f"{before}{told(SECRET)[how]} and more"
    masked = Masker([SECRET]).mask(text)
    assert STARS in masked
    assert told(SECRET)[how].strip("\"'{}x: =\\") not in masked
    assert masked.endswith(" and more")
    assert len(masked) < len(before) + len(" and more") + 20


@pytest.mark.parametrize("how", [*told_by_number(SECRET), *told_in_other_bytes(SECRET)])
def test_a_stream_masks_what_is_split_amid_a_number_or_a_colour(how):
    """Workers and pipes split lines that are too long, wherever they are."""
    secret = SECRET[:14]  # none of its forms is longer than a part
    text = {**told_by_number(secret), **told_in_other_bytes(secret)}[how]
    # Not right after its very first sign: too many lines end with one.
    for cut in range(2, len(text), 1 + len(text) // 40):
        stream = MaskedStream(Masker([secret]))
        said = stream.take(f"it is {text[:cut]}\n") + stream.take(f"{text[cut:]} and more\n")
        said += stream.end()
        assert STARS in said, text[:cut]
        assert len(said) < len("it is  and more\n") + 24, said


def test_what_is_there_by_number_and_no_secret_stays():
    text = (
        "100%\n68 of\x1b[1m 20%20 &#104; \\x68 C:\\users\\104 \x00 %25%zz &#x110000; \\U99999999\n"
    )
    assert Masker(["hunter2"]).mask(text) == text
    stream = MaskedStream(Masker(["hunter2"]))
    # A single sign at a line's end is no reason to hold it back.
    for line in ("- \\\n", "- %\n", "- & \n", "\x1b[1mbold\x1b[0m\n"):
        assert stream.take(line) == line


@pytest.mark.slow
def test_many_signs_cost_no_more_than_other_characters():
    masker = Masker(["hunter2"])
    for sign in ("\\", "%25", "&amp;", "&#", "\x1b[", "\x1b]", "%", "\x1b[1;", "\\ud800"):
        text = sign * (200_000 // len(sign)) + "\n"
        began = time.process_time()
        assert masker.mask(text) == text
        assert time.process_time() - began < 5
        stream = MaskedStream(masker)
        assert stream.take(text) + stream.end() == text


@pytest.mark.slow
@given(VALUES, AROUND, AROUND)
def test_no_form_of_a_secret_stays(value, before, after):
    masker = Masker([value])
    for text in told(value).values():
        masked = masker.mask(f"{before}{text}{after}")
        assert text not in masked or text in before + after
        assert value not in masked


@pytest.mark.slow
@given(VALUES, st.data())
def test_line_breaks_may_be_anywhere(value, data):
    text = value
    breaks = data.draw(st.lists(st.integers(1, len(text) - 1), max_size=12))
    for place in sorted(breaks, reverse=True):
        gap = data.draw(st.sampled_from(["\n", "\r\n", "\n    ", "  \n\t"]))
        text = text[:place] + gap + text[place:]
    masked = Masker([value]).mask(f"before {text} after\n")
    assert "".join(masked.split()) == f"before{STARS}after"
    assert masked.count("\n") == text.count("\n") + 1


@pytest.mark.slow
@given(VALUES | st.text("|x ", min_size=4).filter(lambda one: not is_short(one)), st.data())
def test_bars_may_be_between_the_lines_and_in_the_secret(value, data):
    text = value
    for place in sorted(data.draw(st.lists(st.integers(1, len(text) - 1))), reverse=True):
        text = text[:place] + " | " + text[place:]
    masked = Masker([value]).mask(f"before {text} after\n")
    assert "".join(masked.split()).replace("|", "") == f"before{STARS}after"


@pytest.mark.slow
@given(VALUES, st.data())
def test_a_stream_masks_what_is_split_over_its_pieces(value, data):
    text = f"before\n{value}\nafter {value} x\n{base64.b64encode(value.encode()).decode()}\nend\n"
    stream = MaskedStream(Masker([value]))
    said, place = "", 0
    while place < len(text):
        size = data.draw(st.integers(1, 30))
        piece = text[place : place + size]
        # As a worker splits what is too long: a line break is put where there was none.
        said += stream.take(piece if piece.endswith("\n") else f"{piece}\n")
        place += size
    said += stream.end()
    whole = "".join(said.split())
    assert "".join(value.split()) not in whole
    assert base64.b64encode(value.encode()).decode()[:-4] not in whole
    assert said.replace("\n", "").startswith("before")
    assert said.replace("\n", "").endswith("end")


@pytest.mark.slow
@given(VALUES, AROUND, st.data())
def test_a_stream_may_end_in_any_way(value, around, data):
    parts = data.draw(st.lists(st.sampled_from([value, around, "\n", value[:5]]), max_size=8))
    text = "".join(parts)
    stream = MaskedStream(Masker([value]))
    said = "".join(stream.take(line) for line in text.splitlines(keepends=True)) + stream.end()
    assert "".join(value.split()) not in "".join(said.split())
    assert said.count("\n") == text.count("\n")


def test_one_character_a_line_is_masked_where_nothing_is_between_them():
    text = "".join(f"{one}\n" for one in "hunter2hunter")
    stream = MaskedStream(Masker(["hunter2hunter"]))
    said = "".join(stream.take(line) for line in text.splitlines(keepends=True)) + stream.end()
    assert said.replace("\n", "") == STARS
    assert said.count("\n") in {12, 13}


def test_a_stream_holds_no_line_back_that_cannot_go_on_as_a_secret():
    stream = MaskedStream(Masker(["hunter2"]))
    assert stream.take("a plain line\n") == "a plain line\n"
    assert stream.take("ends with hun\n") == ""
    assert stream.take("dreds\n") == "ends with hun\ndreds\n"
    assert stream.take("ends with hun\n") == ""
    assert stream.take("ter2 and goes on\n") == "ends with ****\n and goes on\n"
    assert stream.take("ends with hun\n") == ""
    assert stream.end() == "ends with hun\n"
    assert stream.take("ends with hunter\n") == ""
    assert stream.end() == "ends with ****\n"
    assert stream.end() == ""


def test_a_stream_never_holds_back_without_end():
    stream = MaskedStream(Masker(["hunter2"]))
    said = sum(len(stream.take("h" * 100 + "\n" * 100)) for _ in range(2000))
    said += len(stream.end())
    assert said == 2000 * 200
    assert sum(len(stream.take("\n")) for _ in range(200)) == 200


def test_each_line_and_each_part_of_a_key_is_masked():
    masker = Masker([KEY])
    for text in (KEY, base64.b64encode(KEY.encode()).decode(), json.dumps(KEY), repr(KEY)):
        assert set(masker.mask(text)) <= set("*\n\"'")
    line = KEY.splitlines()[7]
    assert masker.mask(f"the line {line} alone") == f"the line {STARS} alone"
    assert KEY[100:160] not in masker.mask(KEY[:160])


def test_what_is_no_secret_stays_as_it_is():
    masker = Masker(["hunter2", "", "abc", "a"])
    text = "".join(random.Random(1).choices(string.printable, k=20_000))
    assert masker.mask(text) == text
    assert masker.mask("abc a") == "abc a"
    assert not Masker([])
    assert not Masker(["x" * (SHORTEST - 1), "x y z ", " | | | "])
    assert is_short("x y z")
    assert not is_short("x y zw")
    assert masker.mask("") == ""


@pytest.mark.slow
def test_any_white_space_there_is_may_be_between():
    blanks = [one for one in map(chr, range(sys.maxunicode + 1)) if re.fullmatch(r"\s", one)]
    masker = Masker(["hunter2"])
    for blank in blanks:
        assert set(masker.mask(f"hun{blank}ter2")) <= {*STARS, "\n"}
        assert set(masker.mask(f"hun|{blank}ter2")) <= {*STARS, "\n"}
    assert masker.mask("hun\u200bter2") == "hun\u200bter2"


def test_where_nothing_is_secret_nothing_is_held_back():
    stream, event = MaskedStream(Masker([])), Notice(text="it is hunter2")
    assert stream.take("hunter\n") == "hunter\n"
    assert stream.end() == ""
    assert masked_event(event, Masker(["x"])) == event
    assert masked_event(event, Masker(["hunter2"])).text == "it is ****"


def test_values_of_events_are_masked_with_their_keys():
    masked = Masker(["hunter2"]).masked({"a": ["is hunter2", 1], "hunter2": {"b": ("x", None)}})
    assert masked == {"a": ["is ****", 1], "****": {"b": ["x", None]}}


def test_two_secrets_of_which_one_is_in_the_other():
    masker = Masker(["hunter2", "hunter2hunter3"])
    assert masker.mask("hunter2hunter3, hunter2") == "****, ****"


@pytest.mark.parametrize(
    ("secret", "first", "second"),
    [
        # What ends with a whole one may begin another where it goes on.
        ("aabxaa", "aabxaaa", "abxaa"),
        ("hunter2hunter3", f"{'x' * 70_000} hunter2h", "unter3"),
        ("hunter2hunter3", "x\n" * 70_000 + "hunter2h", "unter3"),
    ],
)
def test_the_second_half_of_a_secret_is_masked_wherever_the_first_ends(secret, first, second):
    stream = MaskedStream(Masker([secret]))
    said = stream.take(f"{first}\n") + stream.take(f"{second}\n") + stream.end()
    assert "".join(said.split()).endswith(STARS)


def test_blank_lines_are_not_held_back_for_ever():
    stream = MaskedStream(Masker(["hunter2hunter3"]))
    said = "".join(stream.take(text) for text in ("hunter2h\n", "\n" * 70_000, "more\n"))
    assert said.startswith("hunter2h\n\n")


@pytest.mark.slow
@given(VALUES, st.data())
def test_beside_a_key_of_many_lines_a_secret_is_masked_all_the_same(value, data):
    """Of many parts those alone are looked for whose beginning is in the text."""
    key = "\n".join(random.Random(seed).randbytes(30).hex() for seed in range(40))
    alone, beside = Masker([value]), Masker([value, key])
    for form in told(value).values():
        cut = data.draw(st.integers(0, len(form)))
        text = f"before {form[:cut]}\n{form[cut:]} after"
        assert beside.mask(text) == alone.mask(text)
        begun = text[: data.draw(st.integers(0, len(text)))]
        ends = [one.open_end(begun, one.spans(begun)) for one in (beside, alone)]
        assert ends[0] <= ends[1]
    assert beside.mask(f"x {key} y") == f"x {STARS}" + "\n" * 39 + " y"


@pytest.mark.slow
@given(
    st.lists(st.text("ab|c=+ \n", min_size=4, max_size=40), min_size=1, max_size=3),
    st.lists(st.text("ab|c=+ \n", max_size=60), max_size=8),
    st.data(),
)
def test_a_stream_says_what_masking_its_lines_says(secrets, pieces, data):
    masker = Masker(secrets)
    stream = MaskedStream(masker)
    told = [*secrets, *(base64.b64encode(one.encode()).decode() for one in secrets)]
    for piece in pieces:
        text = piece + data.draw(st.sampled_from(["", *told, *(one[:5] for one in told)])) + "\n"
        whole = stream._held + text
        said = stream.take(text)
        assert said == masker.mask(whole[: len(whole) - len(stream._held)])
