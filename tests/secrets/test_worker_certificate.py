"""The certificate of the workers' port: made once, or given and checked."""

import subprocess

import pytest

from slipway.model.errors import WrongInput
from slipway.model.site import Site
from slipway.secrets.worker_certificate import fingerprint_of, have_certificate
from slipway.state_folder import Home

STAGES = {"demo": {"repository": "x", "stages": {"make": {"uses": "command", "argv": ["true"]}}}}


def site_with(**settings):
    keys = {name.replace("_", "-"): value for name, value in settings.items()}
    return Site.model_validate({"site": keys, "project": STAGES, "workers": {"one": {}}})


@pytest.fixture
def openssl(tmp_path):
    def run(*words):
        done = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode()

    return run


@pytest.fixture
def given(tmp_path, openssl):
    """A certificate and its key, as a company's authority would give them."""
    subject = ["-subj", "/CN=releases.example.org", "-keyout", "key.pem", "-out", "cert.pem"]
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_text((tmp_path / "cert.pem").read_text() + (tmp_path / "key.pem").read_text())
    return both


def test_it_is_made_once_for_its_owner_alone(tmp_path, openssl):
    home = Home(tmp_path / "state")
    file, found = have_certificate(site_with(), home, tmp_path)
    assert file == home.worker_certificate
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert have_certificate(site_with(), home, tmp_path) == (file, found)
    assert file.read_bytes() == before
    told = openssl("x509", "-in", str(file), "-noout", "-fingerprint", "-sha256", "-enddate")
    assert found == "sha256:" + told.splitlines()[0].partition("=")[2].replace(":", "").lower()
    assert "9999" in told
    assert have_certificate(site_with(), Home(tmp_path / "other"), tmp_path)[1] != found


@pytest.mark.slow
def test_a_given_one_is_used_and_none_is_made(tmp_path, given):
    home = Home(tmp_path / "state")
    file, found = have_certificate(site_with(worker_certificate="both.pem"), home, tmp_path)
    assert file == given
    assert found == fingerprint_of(given)
    assert not home.worker_certificate.exists()


def test_a_missing_one_is_never_made(tmp_path):
    with pytest.raises(WrongInput, match=r"site.worker-certificate: the file .*no.pem cannot be r"):
        have_certificate(site_with(worker_certificate="no.pem"), Home(tmp_path), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_file_that_others_may_read_is_refused(tmp_path, given):
    given.chmod(0o640)
    with pytest.raises(WrongInput, match="others may read"):
        fingerprint_of(given)


@pytest.mark.slow
@pytest.mark.parametrize("lacking", ["certificate", "key", "everything", "password"])
def test_half_of_it_is_refused_in_one_sentence(tmp_path, openssl, given, lacking):
    if lacking == "certificate":
        given.write_text((tmp_path / "key.pem").read_text())
    elif lacking == "key":
        given.write_text((tmp_path / "cert.pem").read_text())
    elif lacking == "everything":
        given.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    else:
        secret = ["-in", "key.pem", "-aes256", "-passout", "pass:quite-secret"]
        openssl("rsa", *secret, "-out", "locked.pem")
        locked = (tmp_path / "locked.pem").read_text()
        given.write_text((tmp_path / "cert.pem").read_text() + locked)
    with pytest.raises(WrongInput) as caught:
        fingerprint_of(given)
    assert "must hold a certificate and its private key without a password" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_key_of_another_certificate_is_refused(tmp_path, openssl, given):
    openssl("genrsa", "-out", "other.pem", "2048")
    other = (tmp_path / "other.pem").read_text()
    given.write_text((tmp_path / "cert.pem").read_text() + other)
    with pytest.raises(WrongInput, match="belongs to another certificate"):
        fingerprint_of(given)
