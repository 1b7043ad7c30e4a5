"""What the settings of a sign stage may be."""

import pytest
from pydantic import ValidationError

from slipway.scripts.stages.sign.stage import SignStage


def settings(**keys):
    return SignStage.model_validate({"uses": "sign", **keys})


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        (False, ()),
        ("http://a.example", ("http://a.example",)),
        (["https://a.example/x", "http://b.example"], ("https://a.example/x", "http://b.example")),
    ],
)
def test_timestamp_is_one_several_or_none(given, urls):
    made = settings(timestamp=given)
    assert made.timestamp == urls
    # A worker gets it as JSON.
    assert SignStage.model_validate_json(made.model_dump_json(by_alias=True)) == made


def test_there_is_an_authority_where_none_is_named():
    assert settings().timestamp == ("http://timestamp.digicert.com",)


@pytest.mark.parametrize(
    "keys",
    [
        {"timestamp": True},
        {"timestamp": "ftp://a.example"},
        {"timestamp": "file:///etc/passwd"},
        {"timestamp": "http://a.example/ -p x"},
        {"certificate": "chain.pem"},
        {"timestamp-roots": "../roots.pem"},
        {"description": "a\nb"},
        {"description": ""},
        {"url": "javascript:alert(1)"},
        {"files": ["../*.exe"]},
        {"files": ["/etc/*"]},
        {"skip": ["lib\\*.pyd"]},
        {"files": [""]},
        {"program": []},
        {"program": ["jsign"]},
        {"program": ["{file}"]},
        {"program": ["", "{file}"]},
        {"program": ["jsign", "{file}\0"]},
        {"program": ["jsign", "{file}"], "description": "Shelf"},
    ],
)
def test_what_is_refused(keys):
    with pytest.raises(ValidationError):
        settings(**keys)
