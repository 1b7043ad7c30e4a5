"""Events with a code: only the script's own are obeyed, each once."""

import hmac
import time

import pytest

from slipway.model.protocol.event import Notice, Summary, read_event
from slipway.model.protocol.event_codes import CODE_ROOM, Coder, CodeReader, made_key

KEY = made_key()
JSON = Notice(text='a "code":"1.2" \x1e é', level="error").model_dump_json()


def test_what_was_coded_is_read_again():
    coder, reader = Coder(KEY), CodeReader(KEY)
    for number in range(1, 20):
        json = Summary(text=f"all {number} good", facts={"n": number}).model_dump_json()
        coded = coder.coded(json)
        assert len(coded.encode()) <= len(json.encode()) + CODE_ROOM
        assert reader.plain(coded) == json


@pytest.mark.parametrize("length", [0, 1_990, 2_000, 2_048, 3_900])
def test_the_code_is_the_keyed_hash_of_number_and_event_however_long(length):
    json = Notice(text="é" * length).model_dump_json()
    right = hmac.digest(KEY.encode(), f"1:{json}".encode(), "sha256").hex()[:32]
    coded = f'{json[:-1]},"code":"1.{right}"}}'
    assert Coder(KEY).coded(json) == coded
    assert CodeReader(KEY).plain(coded) == json
    assert CodeReader(KEY).plain(coded.replace(right, right[::-1])) is None


def test_no_other_key_no_other_text_no_other_number():
    coded = Coder(KEY).coded(JSON)
    assert CodeReader(made_key()).plain(coded) is None
    assert CodeReader(KEY).plain(coded.replace("error", "infos")) is None
    assert CodeReader(KEY).plain(coded.replace('"code":"1.', '"code":"2.')) is None
    assert CodeReader(KEY).plain(coded.replace('"code":"1.', '"code":"01.')) is None
    assert CodeReader(KEY).plain(coded) == JSON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        JSON,
        '{"code":""}',
        ',"code":"1."}',
        '{"a":1,"code":"-1.ff"}',
        '{"a":1,"code":"².ff"}',
        '{"a":1,"code":"1.\ud800é"}',
        '{"a":1,"code":"' + "9" * 5000 + '.ff"}',
    ],
    ids=ascii,
)
def test_anything_else_has_no_code(text):
    assert CodeReader(KEY).plain(text) is None


def test_a_code_is_good_once():
    coder, reader = Coder(KEY), CodeReader(KEY)
    first, second, third = (coder.coded(JSON) for _ in range(3))
    assert reader.plain(first) == JSON
    assert reader.plain(first) is None
    assert reader.plain(third) == JSON
    assert reader.plain(second) is None


@pytest.mark.slow
def test_a_hundred_thousand_are_read_in_no_time():
    coder, reader = Coder(KEY), CodeReader(KEY)
    began = time.monotonic()
    assert all(reader.plain(coder.coded(JSON)) == JSON for _ in range(100_000))
    assert time.monotonic() - began < 60


def test_a_nul_in_a_text_reaches_no_database():
    assert "\0" not in read_event(Notice(text="a\0b").model_dump_json()).text
