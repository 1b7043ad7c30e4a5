"""The target `sftp` against a real OpenSSH server."""

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from slipway.model.errors import SlipwayError, StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingStream, Pointers
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.sftp import connection
from slipway.scripts.stages.publish.targets.sftp.settings import SftpTarget
from slipway.scripts.stages.publish.targets.sftp.target import SftpCopy
from tests.scripts.stages.publish.test_run import job
from tests.support import old_releases, release_targets
from tests.support.cut_connection import relay
from tests.support.release_targets import CHECKS, Place, bring, content, make_release
from tests.support.ssh_server import ChrootedServer, SshServer, needs_root, needs_sshd

pytestmark = [pytest.mark.slow, needs_sshd]
RELAYED = b"\x00\x01\n\r~." * 500_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = SshServer(tmp_path_factory.mktemp("sshd")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chrooted(tmp_path_factory):
    made = ChrootedServer(tmp_path_factory.mktemp("chrooted")).start()
    yield made
    made.stop()


class Far:
    """A folder at a server, as a target."""

    def __init__(self, server, folder, there, **changes):
        self.folder, self.path = folder, Path(there)
        keys = {"host_key": [server.public("host")], "identity": str(server.folder / "mine")}
        given = {"kind": "sftp", "host": "127.0.0.1", "port": server.port, "user": server.user}
        self.settings = SftpTarget(**{**given, "path": str(there), **keys, **changes})
        self.secrets = {}
        self.home = self.path / "almanac"
        self.place = Place(self.connect, self.readers_see, folder / "releases", self.alter)

    def connect(self, release, report):
        stage = {"uses": "publish", "needs": ["archive"], "env": self.secrets}
        made = job(self.folder / "job", version=release.version, stage=stage)
        return SftpCopy(self.settings, made, report)

    def readers_see(self, version):
        folder = self.home / version
        there = folder.iterdir() if folder.exists() else ()
        return {path.name: path.read_bytes() for path in there}

    def alter(self, _version, name):
        (path,) = self.home.glob(f".*.part/{name}")
        path.write_bytes(b"altered" + path.read_bytes()[7:])

    def bring(self, version="1.0+1", **files):
        release = self.place.release(version, files or None)
        return release, bring(self.place, release)

    def left(self):
        return sorted(one.name for one in self.home.glob(".*"))


@pytest.fixture
def far(server, tmp_path):
    (tmp_path / "far away").mkdir()
    return Far(server, tmp_path, tmp_path / "far away")


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_it_holds_to_the_contract(far, check):
    check(far.place)
    assert far.left() == []


def test_what_a_disk_altered_is_found(far):
    release_targets.check_alteration_is_found(far.place)


def test_a_part_of_a_release_is_not_made_public(far):
    release_targets.check_part_is_never_public(
        far.place, lambda name: next(far.home.glob(f".*.part/{name}")).unlink()
    )


def test_a_cut_that_passes_by_itself_is_tried_again(far):
    release_targets.check_cut_anywhere_and_again(far.place, passing=True)


def test_old_releases_go_as_keep_says(far, tmp_path):
    old_releases.check_old_releases_are_removed(far.place)
    assert far.left() == []


def test_a_removal_follows_no_link_and_leaves_what_is_not_ours(far, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    far.bring("1.0+1")
    far.bring("1.0+2")
    (far.home / "1.0+1" / "link").symlink_to(victim)
    (far.home / "1.0+1" / "deep" / "er").mkdir(parents=True)
    (far.home / "1.0+1" / "deep" / "er" / "x").write_text("x")
    (far.home / "linked").symlink_to(far.home / "1.0+1")
    (far.home / "other").mkdir()
    (far.home / "other" / "release.json").write_text((far.home / "1.0+1/release.json").read_text())
    target = far.connect(far.place.release("1.0+2"), None)
    assert sorted(one.version for one in target.versions()) == ["1.0+1", "1.0+2"]
    target.remove("1.0+1")
    target.remove("1.0+1")
    with pytest.raises(StageFailed, match=r"latest shows 1\.0\+2"):
        target.remove("1.0+2")
    with pytest.raises(SlipwayError, match="cannot name a file"):
        target.remove("../victim")
    target.close()
    assert (victim / "file").read_text() == "precious"
    assert not (far.home / "1.0+1").exists()
    assert far.left() == []


def test_latest_is_a_link_and_a_file_and_both_move_on(far):
    far.bring("1.0+1")
    link = far.home / "latest"
    assert str(link.readlink()) == "1.0+1"
    far.bring("1.0+2")
    assert str(link.readlink()) == "1.0+2"
    facts = {"version": "1.0+2", "run": 7, "revision": "ab" * 20}
    assert json.loads((far.home / "latest.json").read_text()) == facts
    assert stat.S_IMODE((far.home / "1.0+2").stat().st_mode) == 0o755
    assert far.left() == []


def test_pages_are_put_in_place_and_latest_never_points_at_nothing(far, tmp_path):
    release, _ = far.bring("1.0+1")
    page = tmp_path / "page"
    page.write_text("beta is 1.0+1")
    digest = release_targets._hash(page.read_bytes())
    pages = tuple(
        OutgoingFile(name, page, page.stat().st_size, digest)
        for name in ("index.html", "channels/beta.json")
    )
    target = far.connect(release, None)
    target.look(release)
    target.point(Pointers("9.9", {"beta": "1.0+1"}, pages))
    target.close()
    assert (far.home / "index.html").read_text() == "beta is 1.0+1"
    assert (far.home / "channels" / "beta.json").read_text() == "beta is 1.0+1"
    assert str((far.home / "latest").readlink()) == "1.0+1"
    bad = Pointers("1.0+1", {}, (OutgoingFile("a/../../x", page, page.stat().st_size, digest),))
    target = far.connect(release, None)
    with pytest.raises(SlipwayError, match=r"'\.\.' cannot name a file"):
        target.point(bad)
    target.close()
    assert not (far.path / "x").exists()


def test_an_address_for_readers_is_told(server, tmp_path):
    far = Far(server, tmp_path, tmp_path, public_url="https://dl.example.org/all/")
    release = far.place.release("1.0+1")
    target = far.connect(release, None)
    address = "https://dl.example.org/all/almanac/1.0+1"
    assert target.public_url("a b.zip") == f"{address}/a%20b.zip"
    target.check("1.0+1", 1)
    target.close()


# What is cut goes on where it was.


@pytest.mark.parametrize("tenth", range(11))
def test_a_connection_cut_at_each_tenth_goes_on_where_it_was(server, tmp_path, tenth):
    with relay("127.0.0.1", server.port) as way:
        far = Far(server, tmp_path, tmp_path, port=way.port)
        files = {"big.zip": RELAYED * 4, "small": b"small"}
        release = far.place.release("1.0+1", files)
        target = far.connect(release, None)
        target.check("1.0+1", release.size)
        target.close()
        way.cut_after(4_000 + release.size * tenth // 10)
        before = way.sent
        bring(far.place, release)
        assert way.sent > before
        assert dict(far.readers_see("1.0+1")) == content(release)
        # What was there is not sent again, but for the last 4 MiB and what was under way.
        assert way.sent - before < release.size + 7_500_000
        assert far.left() == []


def test_a_server_that_is_away_is_tried_again(server, tmp_path):
    with relay("127.0.0.1", server.port) as way:
        port = way.port
    far = Far(server, tmp_path, tmp_path, port=port)
    target = far.connect(far.place.release("1.0+1"), None)
    with pytest.raises(TryAgain, match=r"^127\.0\.0\.1:\d+ cannot be reached: .*refused$"):
        target.check("1.0+1", 1)
    target.close()


LIAR = """
import os, subprocess, sys, threading

inner = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE)
while head := sys.stdin.buffer.read(4):
    body = bytearray(sys.stdin.buffer.read(int.from_bytes(head, "big")))
    if body[0] == 6 and len(body) > 30000:
        body[-1] ^= 1
    inner.stdin.write(head + body)
    inner.stdin.flush()
inner.stdin.close()
"""
SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")


@pytest.fixture
def serving(tmp_path):
    """Start a server that has another program for SFTP."""
    started = []

    def serve(command):
        folder = tmp_path / f"sshd{len(started)}"
        folder.mkdir()
        words = ("PermitRootLogin prohibit-password", f"Subsystem sftp {command}")
        started.append(SshServer(folder, *words).start())
        return Far(started[-1], tmp_path, tmp_path)

    yield serve
    for one in started:
        one.stop()


def test_a_server_that_hangs_is_given_up(serving, monkeypatch):
    monkeypatch.setattr(connection, "_PATIENCE", 0.5)
    far = serving("/bin/sleep 100")
    target = far.connect(far.place.release("1.0+1"), None)
    with pytest.raises(TryAgain, match=r"cannot be reached: no answer for 0 seconds"):
        target.check("1.0+1", 1)
    target.close()


@pytest.mark.skipif(not SFTP_SERVER.exists(), reason="no sftp-server where Debian has it")
def test_a_server_that_stores_other_bytes_is_found_out(serving, tmp_path):
    script = tmp_path / "liar.py"
    script.write_text(LIAR)
    far = serving(f"{sys.executable} {script} {SFTP_SERVER}")
    release = far.place.release("1.0+1")
    with pytest.raises(StageFailed, match=r"does not hold what was written: almanac-1\.4\.zip"):
        bring(far.place, release)
    assert not far.readers_see("1.0+1")
    honest = serving("internal-sftp")
    bring(honest.place, release)
    assert dict(honest.readers_see("1.0+1")) == content(release)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/bin/echo Welcome to this machine, stranger", r"lets the user in, but offers no SFTP"),
        ("/bin/cat /dev/zero", r"lets the user in, but offers no SFTP; turn it on there"),
        ("/bin/false", r"cannot be reached: the connection was closed"),
    ],
)
def test_a_server_that_speaks_something_else_is_named(serving, command, why):
    far = serving(command)
    target = far.connect(far.place.release("1.0+1"), None)
    with pytest.raises(SlipwayError, match=why):
        target.check("1.0+1", 1)
    target.close()


# Who it is, and who we are.


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"host_key": "foreign"}, r"has changed to one that is not in host-key, so nothing was"),
        ({"known": "wrong"}, r"has changed to one that is not in the file .*wrong, so nothing"),
        ({"known": "empty"}, r"is one that is not in the file .*empty, so nothing was sent"),
        ({"known": "away"}, r"known-hosts: .*away cannot be read on this worker: No such file"),
        ({"identity": "foreign"}, r'refuses the key .*foreign for the user ".*"; see that'),
        ({"identity": "away"}, r"identity: .*away cannot be read on this worker: No such file"),
        ({"identity": "empty"}, r"the key .*empty is no private key that ssh can use: Load key"),
        ({"user": "nobody-here"}, r'refuses the key .*mine for the user "nobody-here"'),
        ({"path": "/no where"}, r"there is no folder /no where that .* may see; make it there"),
        ({"host": "no-such-host.invalid"}, r"no-such-host\.invalid:\d+ cannot be reached: .*"),
        ({"jump": "nobody-here@127.0.0.1"}, r"cannot be reached|refuses"),
        ({"key": "KEY"}, r'key: the stage has no secret "KEY"; name it below'),
    ],
)
def test_who_is_not_known_is_refused_in_one_sentence(server, tmp_path, change, why):
    server.write("empty", "")
    folder = server.folder
    change = dict(change)
    if "host_key" in change:
        change["host_key"] = [server.public(change["host_key"])]
    if "known" in change:
        change |= {"host_key": [], "known_hosts": str(folder / change.pop("known"))}
    if "identity" in change:
        change["identity"] = str(folder / change["identity"])
    if "jump" in change:
        change |= {
            "jump": f"{change['jump']}:{server.port}",
            "jump_host_key": [server.public("host")],
        }
    if "key" in change:
        change["identity"] = None
    far = Far(server, tmp_path, tmp_path, **change)
    target = far.connect(far.place.release("1.0+1"), None)
    with pytest.raises(SlipwayError, match=why) as told:
        target.check("1.0+1", 1)
    target.close()
    assert "\n" not in str(told.value)
    assert not far.home.exists()


def test_another_machine_is_reached_through_a_third(server, tmp_path):
    there = {"jump": f"{server.user}@127.0.0.1:{server.port}"}
    known = Far(server, tmp_path, tmp_path, **there, jump_host_key=[server.public("host")])
    known.bring("1.0+1")
    file = str(server.folder / "known hosts")
    named = Far(server, tmp_path, tmp_path, **there, host_key=[], known_hosts=file)
    named.bring("1.0+2")
    wrong = Far(server, tmp_path, tmp_path, **there, jump_host_key=[server.public("foreign")])
    target = wrong.connect(wrong.place.release("1.0+3"), None)
    with pytest.raises(StageFailed, match="has changed to one that is not in jump-host-key"):
        target.check("1.0+3", 1)
    target.close()
    assert sorted(one.name for one in known.home.glob("1*")) == ["1.0+1", "1.0+2"]


def test_a_key_from_a_secret_is_in_no_argument_and_not_kept(server, tmp_path):
    far = Far(server, tmp_path, tmp_path, identity=None, key="UPLOAD_KEY")
    key = (server.folder / "mine").read_text()
    far.secrets = {"UPLOAD_KEY": key.strip().replace("\n", "\r\n")}
    output = tmp_path / "job" / "output"
    output.mkdir(parents=True)
    release = far.place.release("1.0+1")
    target = far.connect(release, None)
    target.check("1.0+1", 1)
    held = list(tmp_path.rglob(".sftp-*/key"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in held] == [0o600]
    assert stat.S_IMODE(held[0].parent.stat().st_mode) == 0o700
    line = key.splitlines()[2].encode()
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert line not in one.read_bytes()
        except OSError:
            continue
    target.close()
    assert list(tmp_path.rglob(".sftp-*")) == []


# A user who may do SFTP in one folder and nothing else.


@pytest.fixture
def upload(chrooted, tmp_path, request):
    made = Far(chrooted, tmp_path, "/in", identity=None, password="UPLOAD_PASSWORD")
    made.secrets = {"UPLOAD_PASSWORD": chrooted.password + "\n"}
    made.home = chrooted.place / "in" / "almanac"
    return made


@needs_root
def test_a_user_without_a_shell_logs_in_with_a_password(upload, tmp_path, capfd):
    release, _ = upload.bring("1.0+1")
    assert dict(upload.readers_see("1.0+1")) == content(release)
    assert (upload.home / "1.0+1").stat().st_uid == 64321
    assert "hush-hush" not in "".join(capfd.readouterr())


@needs_root
def test_a_wrong_password_is_refused(upload):
    upload.secrets = {"UPLOAD_PASSWORD": "guessed"}
    target = upload.connect(upload.place.release("1.0+2"), None)
    with pytest.raises(StageFailed, match='the password of the secret "UPLOAD_PASSWORD"') as told:
        target.check("1.0+2", 1)
    target.close()
    assert "guessed" not in str(told.value)


@needs_root
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/shut", r"was refused: Permission denied; see that the user may write there"),
        ("/still", r"^127\.0\.0\.1:/still/almanac: the file system there can only be read$"),
        ("/small", r"has \d[\d,]+ bytes free, and 50,000,000 are needed"),
        ("/../etc", r"there is no folder /\.\./etc"),
    ],
)
def test_what_cannot_be_written_is_told_before(chrooted, tmp_path, path, why):
    far = Far(chrooted, tmp_path, path)
    target = far.connect(far.place.release("1.0+1"), None)
    with pytest.raises(StageFailed, match=why):
        target.check("1.0+1", 50_000_000)
    target.close()


@needs_root
def test_a_disk_that_is_full_is_named_and_the_next_run_goes_on(chrooted, tmp_path):
    far = Far(chrooted, tmp_path, "/small")
    far.home = chrooted.place / "small" / "almanac"
    filler = chrooted.place / "small" / "filler"
    release = far.place.release("1.0+1", {"big.zip": RELAYED[:2_500_000]})
    target = far.connect(release, None)
    target.check("1.0+1", release.size)
    target.close()
    filler.write_bytes(b"f" * 3_000_000)
    target = far.connect(release, None)
    target.look(release)
    full = pytest.raises(StageFailed, match=r"the disk is full, big\.zip could not be written")
    with OutgoingStream(release.files[0]) as stream, full:
        target.stage(release.files[0], stream)
    target.close()
    assert not far.readers_see("1.0+1")
    filler.unlink()
    bring(far.place, release)
    assert dict(far.readers_see("1.0+1")) == content(release)
    assert far.left() == []


# What lies there already.


@pytest.mark.parametrize("where", ["almanac", "almanac/1.0+1", "part", "file", "pipe", "stranger"])
def test_links_that_others_have_put_there_are_not_followed(far, tmp_path, where):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    release = far.place.release("1.0+1")
    part = far.home / f".1.0+1.{release.files[-1].sha256[:16]}.part"
    if where.startswith("almanac"):
        planted = far.path / where
        planted.parent.mkdir(exist_ok=True)
        planted.symlink_to(victim)
    elif where == "part":
        far.home.mkdir()
        part.symlink_to(victim)
    else:
        part.mkdir(parents=True)
        if where == "pipe":
            os.mkfifo(part / release.files[0].name)
        elif where == "file":
            (part / release.files[0].name).symlink_to(victim / "file")
        else:
            (part / "stranger.exe").write_text("bad")
    with pytest.raises(StageFailed, match=r"remove it"):
        bring(far.place, release)
    assert [path.read_text() for path in victim.iterdir()] == ["precious"]
    assert not (far.home / "1.0+1").is_dir() or where == "almanac/1.0+1"


def test_links_in_place_of_latest_are_replaced_and_not_followed(far, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    far.home.mkdir()
    (far.home / "latest").symlink_to(victim)
    (far.home / "latest.json").symlink_to(victim / "file")
    far.bring("1.0+1")
    assert [path.read_text() for path in victim.iterdir()] == ["precious"]
    assert str((far.home / "latest").readlink()) == "1.0+1"
    assert not (far.home / "latest.json").is_symlink()


def test_a_folder_called_latest_is_named(far):
    (far.home / "latest" / "x").mkdir(parents=True)
    with pytest.raises(StageFailed, match="moving latest on was refused"):
        far.bring("1.0+1")
    assert far.left() == []


def test_a_release_that_lost_files_is_completed_and_none_is_mixed_with_another(far):
    release, _ = far.bring("1.0+1")
    for name in ("almanac.dump", "release.json"):
        (far.home / "1.0+1" / name).unlink()
    bring(far.place, release)
    assert dict(far.readers_see("1.0+1")) == content(release)
    assert far.left() == []
    (far.home / "1.0+1" / "release.json").unlink()
    (far.home / "1.0+1" / "stranger.exe").write_text("bad")
    with pytest.raises(StageFailed, match=r"'stranger\.exe', which is not of this release"):
        bring(far.place, release)


def test_what_was_given_up_a_day_ago_is_removed(far):
    far.bring("1.0+1")
    for name, age in (("old", 90_000), ("new", 80_000)):
        part = far.home / f".{name}.0123456789abcdef.part"
        part.mkdir()
        (part / "big").write_text("x")
        for path in (part / "big", part):
            now = path.stat().st_mtime
            os.utime(path, (now - age, now - age))
    mine = far.home / ".mine.part"
    mine.mkdir()
    os.utime(mine, (1, 1))
    far.bring("1.0+2")
    assert far.left() == [".mine.part", ".new.0123456789abcdef.part"]


# Several at once.


def together(*tasks):
    ended = []

    def guarded(task):
        try:
            task()
            ended.append("done")
        except StageFailed as error:
            ended.append(str(error))

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return ended


def test_two_runs_that_publish_the_same_at_once_make_one_release(far):
    for turn in range(3):
        release = far.place.release(f"1.{turn}", {"big.zip": RELAYED, "small": b"s"})
        tasks = [lambda release=release: bring(far.place, release)] * 3
        assert together(*tasks) == ["done"] * 3
        assert dict(far.readers_see(f"1.{turn}")) == content(release)
    assert far.left() == []


def test_of_two_runs_that_publish_other_bytes_at_once_one_wins_and_none_is_mixed(far, tmp_path):
    for turn in range(3):
        made = [
            make_release(tmp_path / f"{turn}{one}", f"1.{turn}", {"a": RELAYED, "b": one.encode()})
            for one in "xy"
        ]
        ended = together(*(lambda one=one: bring(far.place, one) for one in made))
        assert sorted(one == "done" for one in ended) == [False, True]
        assert any("releases never change" in one for one in ended), ended
        assert dict(far.readers_see(f"1.{turn}")) in [content(one) for one in made]
