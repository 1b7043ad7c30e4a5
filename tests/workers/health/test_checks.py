"""The checks of a worker's machine: what is right, and each thing that can be wrong."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from slipway import __version__
from slipway.model.errors import WrongInput
from slipway.workers.health import connection, machine, rights, software
from slipway.workers.health.checks import CHECKS, check_worker
from slipway.workers.health.master_facts import MasterFacts, clock_sentence, read_time
from slipway.workers.health.report import State, exit_code, good, missing, warning, wrong
from slipway.workers.health.worker_files import read_worker
from slipway.workers.worker_tac import WorkerPlace, write_tac

KNOWN = f"sha256:{'ab' * 32}"
STAMP = "2026-11-30 22:56:43+0000 [Broker,client] "


@pytest.fixture
def outlook(tmp_path):
    """A worker whose master is not there."""
    folder = tmp_path / "worker"
    folder.mkdir(mode=0o755)
    write_tac(WorkerPlace(folder, "win1", "127.0.0.1", 9, tmp_path / "password", KNOWN))
    return read_worker(folder)


def only(check, outlook):
    [line] = check(outlook)
    return line


def test_a_workers_files_are_read_and_not_run(outlook, tmp_path):
    assert (outlook.name, outlook.master) == ("win1", "127.0.0.1:9")
    assert (outlook.fingerprint, outlook.is_local) == (KNOWN, False)
    # The folder of the bundle's set-up is as good.
    assert read_worker(tmp_path) == outlook
    local = tmp_path / "local"
    write_tac(WorkerPlace(local, "local", "127.0.0.1", 9, None))
    found = read_worker(local)
    assert (found.fingerprint, found.is_local) == ("", True)


@pytest.mark.parametrize(
    "text",
    ["", "worker = Worker()", "Worker(1, 2, 3, 4)", "(" * 9999, "\0", "import os; os._exit(7)"],
)
def test_files_that_are_no_workers_are_told(tmp_path, text):
    (tmp_path / "buildbot.tac").write_text(text)
    with pytest.raises(WrongInput, match="not made by Slipway"):
        read_worker(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="pipes are files of Unix")
def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path, outlook):
    os.mkfifo(tmp_path / "buildbot.tac")
    with pytest.raises(WrongInput, match="is no worker's folder"):
        read_worker(replace(outlook, folder=tmp_path).folder / "..")
    os.mkfifo(outlook.folder / "twistd.log")
    assert only(connection.check_log, outlook).state is State.WARNING
    os.mkfifo(outlook.folder / ".master.json")
    assert only(connection.check_clock, outlook).state is State.WARNING


def test_a_check_that_fails_is_a_line_and_the_others_go_on(outlook):
    shutil.rmtree(outlook.folder)
    lines = check_worker(outlook)
    names = {check.__name__ for check in CHECKS}
    assert len(names) == len(CHECKS)
    assert exit_code(lines) == 1
    assert "it cannot be checked" in next(one for one in lines if one.check == "disk").found
    assert next(one for one in lines if one.check == "python").state is State.GOOD


def test_exit_codes():
    fine = [good("a", "b"), warning("c", "d", "e")]
    assert exit_code(fine) == 0
    assert exit_code([*fine, missing("f", "g", "h")]) == 3
    assert exit_code([*fine, missing("f", "g", "h"), wrong("i", "j", "k")]) == 1


@pytest.mark.parametrize(
    ("ahead", "state"), [(0.2, "good"), (-11, "warning"), (299, "warning"), (-4000, "wrong")]
)
def test_clocks_are_compared(outlook, ahead, state):
    MasterFacts(__version__, ahead, 1_800_000_000.0).write(outlook.folder)
    assert only(connection.check_clock, outlook).state == state
    assert bool(clock_sentence(ahead, "it")) == (state != "good")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}', "null", "\ud800"])
def test_what_the_master_has_said_may_be_anything(outlook, text):
    (outlook.folder / ".master.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert MasterFacts.read(outlook.folder) is None


def test_a_link_in_place_of_what_the_master_said_leads_nowhere(outlook, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    for name in (".master.json", ".master.json.new"):
        (outlook.folder / name).symlink_to(kept)
    MasterFacts("1.0", 0.0, 1.0).write(outlook.folder)
    assert kept.read_text() == "mine"
    assert MasterFacts.read(outlook.folder) == MasterFacts("1.0", 0.0, 1.0)


@pytest.mark.parametrize(
    "given", [None, "12", [], {}, float("nan"), float("inf"), -float("inf"), 10**400, -(10**400)]
)
def test_what_no_clock_shows_is_no_time(given):
    assert read_time(given) is None
    assert read_time(1_800_000_000) == 1_800_000_000.0


def test_versions_are_compared(outlook):
    assert only(software.check_slipway, outlook).state is State.WARNING
    MasterFacts("99.0", 0.0, 1.0).write(outlook.folder)
    line = only(software.check_slipway, outlook)
    assert (line.state, "run the master's 99.0" in line.found) == (State.GOOD, True)
    MasterFacts(__version__, 0.0, 1.0).write(outlook.folder)
    assert only(software.check_slipway, outlook).state is State.GOOD


def test_programs_that_are_missing_are_named(outlook, monkeypatch):
    monkeypatch.setenv("PATH", str(outlook.folder))
    line = only(software.check_git, outlook)
    assert (line.state, line.advice) == (State.MISSING, "install it: apt install git")


def test_a_git_that_is_too_old_is_told(outlook, monkeypatch, tmp_path):
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\necho git version 2.20.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    line = only(software.check_git, outlook)
    assert (line.state, line.found.startswith("2.20.1")) == (State.WRONG, True)


def test_a_folder_that_others_may_change_is_told(outlook):
    outlook.folder.chmod(0o777)
    line = next(rights.check_folder(outlook))
    assert (line.state, line.advice) == (State.WRONG, f"chmod go-w {outlook.folder}")
    outlook.folder.chmod(0o755)
    outlook.folder.parent.chmod(0o770)
    assert str(outlook.folder.parent) in next(rights.check_folder(outlook)).found
    outlook.folder.parent.chmod(0o700)
    assert next(rights.check_folder(outlook)).state is State.GOOD


def test_a_folder_in_a_repository_is_told(outlook, tmp_path):
    (tmp_path / ".git").mkdir()
    lines = list(rights.check_folder(outlook))
    assert f"it lies in the git repository {tmp_path}" in [one.found for one in lines]


def test_a_cache_that_is_none_is_told(outlook, tmp_path):
    assert only(rights.check_cache, outlook).state is State.GOOD
    (outlook.folder / "cache").symlink_to(tmp_path)
    assert only(rights.check_cache, outlook).state is State.WRONG


def test_a_full_disk_is_told(outlook, monkeypatch):
    def full(_path):
        return shutil._ntuple_diskusage(10**12, 10**12 - 10**8, 10**8)

    monkeypatch.setattr(machine.shutil, "disk_usage", full)
    assert only(machine.check_disk, outlook).state is State.WRONG


def test_long_paths_and_names_are_really_made_and_removed(outlook):
    before = sorted(outlook.folder.rglob("*"))
    assert only(machine.check_long_paths, outlook).state is State.GOOD
    assert only(machine.check_encoding, outlook).state is State.GOOD
    assert sorted(outlook.folder.rglob("*")) == before


@pytest.mark.slow
def test_an_encoding_that_is_not_utf_8_is_told(outlook):
    code = (
        "import sys; from pathlib import Path; from slipway.workers.health import machine\n"
        "from slipway.workers.health.worker_files import read_worker\n"
        "print(ascii(list(machine.check_encoding(read_worker(Path(sys.argv[1]))))))"
    )
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    words = [sys.executable, "-c", code, str(outlook.folder)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert "State.WRONG" in done.stdout, done.stdout
    assert "PYTHONUTF8=1" in done.stdout


def test_a_folder_for_temporary_files_that_is_closed_is_told(outlook, monkeypatch):
    monkeypatch.setattr(machine.tempfile, "tempdir", str(outlook.folder / "none"))
    line = only(machine.check_temp, outlook)
    assert (line.state, "a writable folder" in line.advice) == (State.WRONG, True)


@pytest.fixture
def listening():
    """A port that says what the test wants to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        said = []

        def serve():
            one, _ = server.accept()
            with one:
                one.sendall(b"".join(said))
                one.recv(100)

        thread = threading.Thread(target=serve, daemon=True)
        yield server.getsockname()[1], said, thread
        thread.join(10)


@pytest.mark.parametrize(
    ("said", "known", "state"),
    [
        (b"\x02\x80\x02\x82pb\x04\x82none", "", "good"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "", "wrong"),
        (b"\x02\x80\x02\x82pb\x04\x82none", KNOWN, "wrong"),
    ],
)
def test_the_port_is_heard(outlook, listening, said, known, state):
    port, says, thread = listening
    says.append(said)
    thread.start()
    line = only(connection.check_port, replace(outlook, port=port, fingerprint=known))
    assert line.state == state, line


def test_a_master_that_is_not_there_is_told(outlook):
    assert "cannot be reached" in only(connection.check_port, outlook).found
    nowhere = replace(outlook, host="no-such-host.invalid")
    assert "is not known" in only(connection.check_port, nowhere).found


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["Connected to buildmaster; worker is ready"], "good"),
        (["Connected to buildmaster; worker is ready", "lost remote"], "warning"),
        (["lost remote", "Connected to buildmaster; worker is ready"], "good"),
        (["h:1 refuses the name or the password of this worker: not connected. Set"], "wrong"),
        (["message from master: Connected"], "warning"),
        ([], "warning"),
    ],
)
def test_the_log_tells_of_the_connection(outlook, lines, state):
    (outlook.folder / "twistd.log").write_text("".join(f"{STAMP}{one}\n" for one in lines))
    assert only(connection.check_log, outlook).state == state


class _Index(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(401)
        self.end_headers()

    def log_message(self, *words):
        pass


@pytest.mark.parametrize("url", ["mirror=https://me:hush@127.0.0.1:9/simple", "me:hush@127.0.0.1"])
def test_an_index_with_a_name_or_of_another_form_tells_no_password(outlook, monkeypatch, url):
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    [line] = connection.check_index(outlook)
    assert "hush" not in f"{line.found} {line.advice}"
    assert "me:" not in line.found


def test_the_index_is_asked_and_its_password_is_told_to_nobody(outlook, monkeypatch):
    for name in ("UV_DEFAULT_INDEX", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http.server.HTTPServer(("127.0.0.1", 0), _Index) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        url = f"http://ann:hunter2@127.0.0.1:{server.server_port}/simple/"
        monkeypatch.setenv("UV_INDEX_URL", url)
        line = only(connection.check_index, outlook)
        assert (line.state, "hunter2" in str(line)) == (State.GOOD, False)
        thread.join(10)
    line = only(connection.check_index, outlook)
    assert (line.state, "hunter2" in str(line)) == (State.WARNING, False)


def test_the_check_writes_nothing_that_stays(outlook):
    def shown():
        return {str(path): stat.S_IMODE(path.lstat().st_mode) for path in outlook.folder.rglob("*")}

    before = shown()
    check_worker(outlook)
    assert shown() == before
