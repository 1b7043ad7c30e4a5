"""Keyless signatures, as far as no other machine is needed: sigstore itself is not tested here."""

import base64
import json
import socket
import sys
import time

import pytest

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.releases.signing.keyless import KeylessSigner
from tests.support.signed_releases import make, site_signer

pytest.importorskip("sigstore", reason="the extra sigstore is not installed")


@pytest.fixture(autouse=True)
def no_network_and_no_identity(monkeypatch):
    """Whatever machine this is, it has no identity and reaches nobody."""

    def refuse(*_words, **_more):
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def token(**claims):
    """Return a token such as an identity provider gives; nobody checks its signature here."""
    now = int(time.time())
    given = {"aud": "sigstore", "sub": "ci", "iat": now, "exp": now + 600, "iss": "https://x/"}
    parts = [{"alg": "none", "typ": "JWT"}, given | claims]
    return ".".join(
        [
            *(
                base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=")
                for one in parts
            ),
            "c2ln",
        ]
    )


def test_a_token_is_looked_at_before_anybody_is_asked():
    KeylessSigner(token()).check()


@pytest.mark.parametrize(
    "given",
    ["not-a-token-at-all", token(exp=1), token(aud="elsewhere"), token(iss=None)],
)
def test_a_token_that_is_none_is_told_without_it(given):
    with pytest.raises(WrongInput) as caught:
        KeylessSigner(given).check()
    assert str(caught.value).startswith("site.sigstore.token: ")
    assert given not in str(caught.value)


def test_a_machine_without_an_identity_is_told():
    with pytest.raises(MissingTool, match=r"no identity|cannot be had"):
        KeylessSigner().check()


def test_without_the_library_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "sigstore.oidc", None)
    with pytest.raises(MissingTool, match=r"install slipway\[sigstore\]"):
        KeylessSigner(token()).check()


@pytest.mark.parametrize("text", [None, "", "{}", "[", '{"mediaType": "x"}'])
def test_a_file_that_names_no_instance_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "trust.json").write_text(text)
    with pytest.raises(WrongInput, match=r"site\.sigstore\.trust-config: "):
        KeylessSigner(token(), tmp_path / "trust.json").check()


def test_without_a_network_nothing_is_signed(tmp_path):
    with pytest.raises(StageFailed) as caught:
        make(tmp_path / "x", site_signer(others=(KeylessSigner(token()),)))
    assert str(caught.value).startswith("sigstore: it did not sign: ")
    assert not (tmp_path / "x" / "release.json").exists()
