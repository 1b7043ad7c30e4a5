"""`slipway worker setup`: the files of a worker, and what is refused."""

import pytest

FINGERPRINT = f"sha256:{'ab' * 32}"


@pytest.fixture
def worker(place):
    """Return a runner of `slipway worker` with good arguments, but for those given."""
    secret = place.folder / "secret"
    secret.write_text("hush\n")
    secret.chmod(0o600)

    def run(folder="w", **more):
        words = {"name": "win1", "master": "releases.example.org:9989", "password-file": secret}
        words["fingerprint"] = FINGERPRINT
        words |= {name.replace("_", "-"): value for name, value in more.items()}
        return place.slipway(
            *("worker", "setup"),
            folder,
            *(word for key, value in words.items() for word in (f"--{key}", value)),
        )

    return run


def test_worker_is_set_up(place, worker):
    code, out, err = worker()
    assert (code, err) == (0, "")
    assert out.startswith("worker win1 is set up; start it: buildbot-worker start ")
    assert (place.folder / "w" / "buildbot.tac").is_file()


def test_a_worker_knows_its_masters_certificate(place, worker):
    assert worker(fingerprint=f" {FINGERPRINT.upper()} ")[0] == 0
    tac = (place.folder / "w" / "buildbot.tac").read_text()
    assert f"connect_by_tls(worker, 'releases.example.org', 9989, '{FINGERPRINT}')" in tac


@pytest.mark.parametrize("given", ["ab" * 32, "sha256:ab", f"sha1:{'a' * 40}", f"{FINGERPRINT}0"])
def test_a_fingerprint_that_is_none_is_refused(place, worker, given):
    code, _, err = worker(fingerprint=given)
    assert (code, "sha256: and 64 hexadecimal digits" in err) == (2, True)
    assert not (place.folder / "w").exists()


def test_a_worker_of_another_machine_needs_the_fingerprint(place, worker):
    code, _, err = worker(fingerprint="")
    assert (code, "connect by TLS alone; add --fingerprint" in err) == (2, True)
    assert not (place.folder / "w").exists()
    assert worker(fingerprint="", master="127.0.0.1:9989")[0] == 0
    assert "connect_by_tls" not in (place.folder / "w" / "buildbot.tac").read_text()


def test_workers_command_can_be_pasted(place, worker, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    folder = place.folder / "a-long-name-of-a-folder" / "another-long-name-of-a-folder"
    assert f"buildbot-worker start {folder}\n" in worker(folder)[1]


@pytest.mark.parametrize("master", ["here", "here:", ":9989", "here:port", "9989"])
def test_worker_refuses_a_bad_master(place, worker, master):
    code, _, err = worker(master=master)
    assert code == 2
    assert err.startswith(f'--master "{master}" is no HOST:PORT; an example: ')
    assert not (place.folder / "w").exists()


def test_worker_refuses_a_password_that_others_may_read(place, worker):
    secret = place.folder / "secret"
    secret.chmod(0o644)
    code, _, err = worker()
    assert code == 2
    assert err == (f"--password-file: others may read {secret} (mode 644); run chmod 600 on it\n")
    assert worker(password_file=place.folder / "nowhere")[0] == 2
    assert not (place.folder / "w").exists()


def test_a_worker_s_files_that_cannot_be_used_are_told(place):
    words = ["worker", "setup", "folder", "--name", "w", "--master", "h:1"]
    words += ["--password-file", "secret"]
    words += ["--fingerprint", FINGERPRINT]
    secret = place.folder / "secret"
    secret.write_bytes(b"\xff")
    secret.chmod(0o600)
    code, _, err = place.slipway(*words)
    assert (code, "secret is not UTF-8 text; write the secret" in err) == (2, True)
    secret.write_text("word")
    (place.folder / "folder").write_text("")
    code, _, err = place.slipway(*words)
    assert (code, "folder cannot be written:" in err) == (2, True)
