"""Settings of the target `s3`: what is refused where it is written."""

import pytest
from pydantic import ValidationError

from slipway.scripts.stages.publish.targets.s3.settings import S3Target


def settings(**given):
    return S3Target(**({"kind": "s3", "bucket": "releases"} | given))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"endpoint": "http://s3.example.com"}, "is not encrypted: anybody on the way"),
        ({"endpoint": "http://10.0.0.7:9000"}, "allow-http = true"),
        ({"endpoint": "http://127.0.0.1.example.com"}, "is not encrypted"),
        ({"endpoint": "https://user:word@s3.example.com"}, "match pattern"),
        ({"endpoint": "ftp://s3.example.com"}, "match pattern"),
        ({"endpoint": "https://:443"}, "names no host"),
        ({"endpoint": "https://a:99999"}, "names no host"),
        ({"endpoint": "https://a\\b"}, "match pattern"),
        ({"bucket": "a/b"}, "match pattern"),
        ({"bucket": "../x"}, "match pattern"),
        ({"prefix": "/a"}, "match pattern"),
        ({"prefix": "a/../b"}, "match pattern"),
        ({"prefix": "a//b"}, "match pattern"),
        ({"prefix": "a/"}, "match pattern"),
        ({"public_url": "https://a/?x=1"}, "match pattern"),
        ({"profile": "x"}, 'is for credentials = "machine"'),
        ({"kms_key": "x"}, 'is for encryption = "aws:kms"'),
        ({"storage_class": "DEEP_ARCHIVE"}, "nobody can read a file"),
        ({"connections": 0}, "greater than or equal to 1"),
        ({"acl": "public-read-write"}, "Input should be"),
    ],
)
def test_what_is_refused(given, match):
    with pytest.raises(ValidationError, match=match):
        settings(**given)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:9000",
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
        "https://s3.example.com",
    ],
)
def test_a_server_on_this_machine_needs_no_certificate(endpoint):
    assert settings(endpoint=endpoint).endpoint == endpoint
    assert settings(endpoint="http://minio.lan", allow_http=True).allow_http


def test_secrets_by_name():
    assert settings().needed_secrets == ("S3_KEY_ID", "S3_SECRET_KEY")
    assert settings(key_id="A", secret_key="B", session_token="C").needed_secrets == ("A", "B", "C")
    assert settings(credentials="machine").needed_secrets == ()
