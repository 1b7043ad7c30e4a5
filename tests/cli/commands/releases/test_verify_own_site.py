"""Whose keys a folder's are: a download with a pipeline.toml and keys is nobody's site."""

import os
import shutil
import sys

import pytest

from slipway.cli.commands.site import up
from slipway.secrets.site_mark import is_marked, mark
from slipway.state_folder import Home
from tests.support.signed_releases import build_facts, make, new_signer, site_signer

NOBODYS = "are not believed: they are no site's that was started here, in this place and by this"
UNKNOWN = "nothing here says whose key that is"


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_KNOWN_KEYS", str(tmp_path / "settings" / "known.json"))
    return tmp_path / "settings"


class Folder:
    """A site's folder with a signed release, as it is here or in an archive."""

    def __init__(self, path):
        self.path, self.home = path, Home(path / ".slipway")
        self.signer = new_signer(days=36500)
        self.keys = self.home.keys
        self.keys.mkdir(parents=True)
        self.home.public_keys.write_text(site_signer(self.signer).ring.text())
        (path / "pipeline.toml").write_text("")
        release = self.home.releases / "almanac" / "1.4.0+7"
        make(release, site_signer(self.signer), facts=build_facts())


@pytest.fixture
def download(place):
    return Folder(place.folder)


def verify(place):
    return place.slipway("verify", ".slipway/releases/almanac/1.4.0+7")


def refused(place):
    code, out, err = verify(place)
    assert (code, UNKNOWN in out, NOBODYS in err) == (1, True, True), (out, err)
    return True


def test_an_archive_with_keys_of_its_own_is_not_believed(place, download):
    assert refused(place)
    # To look is not to adopt.
    assert place.slipway("key", "show")[0] == 0
    assert refused(place)
    # Nor does a made-up mark help, or the one of another user.
    for text in ("", "0" * 64, "0" * 10_000, "\x00"):
        (download.keys / "site").write_text(text)
        assert refused(place)


def test_a_site_that_was_started_here_knows_its_keys(place, download, settings):
    assert mark(download.home)
    assert verify(place)[0] == 0
    assert (settings / "own-sites.key").stat().st_mode & 0o077 == 0


def test_the_mark_of_another_user_or_machine_is_none(place, download, settings):
    assert mark(download.home)
    (settings / "own-sites.key").rename(settings / "away")
    assert refused(place)
    # A secret of one's own does not make it good.
    elsewhere = Folder(place.folder / "elsewhere")
    assert mark(elsewhere.home)
    assert refused(place)


def test_a_mark_that_was_copied_with_its_folder_is_none(place, download, tmp_path):
    """What a site of this very user has, packed and unpacked in another place."""
    assert mark(download.home)
    copy = tmp_path / "copy"
    shutil.copytree(download.keys, copy / ".slipway" / "keys")
    assert not is_marked(Home(copy / ".slipway"))
    # Through a link the place is the same.
    (tmp_path / "link").symlink_to(place.folder)
    assert is_marked(Home(tmp_path / "link" / ".slipway"))


def test_an_archive_that_was_unpacked_over_a_site_is_not_believed(place, download):
    assert mark(download.home)
    other = site_signer(new_signer(days=36500))
    download.home.public_keys.write_text(other.ring.text())
    assert refused(place)


@pytest.mark.skipif(sys.platform == "win32", reason="there are neither pipes nor devices")
@pytest.mark.parametrize("trap", ["pipe", "device", "folder", "huge", "link"])
@pytest.mark.parametrize("name", ["site", "keys.json"])
def test_traps_in_the_folder_end_nothing(place, download, trap, name, tmp_path):
    assert mark(download.home)
    file = download.keys / name
    kept = file.read_text()
    file.unlink()
    if trap == "pipe":
        os.mkfifo(file)
    elif trap == "device":
        file.symlink_to("/dev/zero")
    elif trap == "folder":
        file.mkdir()
    elif trap == "huge":
        with file.open("w") as stream:
            stream.write(kept)
            stream.truncate(1 << 40)
    else:
        (tmp_path / "outside").write_text(kept)
        file.symlink_to(tmp_path / "outside")
    code, out, _ = verify(place)
    assert (code, UNKNOWN in out) == (1, True)


def test_new_and_rotated_keys_are_marked(place):
    place.write(tests=("", ""))
    home = Home(place.folder / ".slipway")
    for words in (("new",), ("rotate",), ("rotate", "--compromised")):
        assert place.slipway("key", *words)[0] == 0
        assert is_marked(home), words


def test_a_site_that_was_restored_is_marked_when_it_is_started(place, download, monkeypatch):
    """As the how-to says: a copy of the backup, then slipway up."""
    place.write(tests=("", ""))
    assert refused(place)
    monkeypatch.setattr(up._Session, "run", lambda _self: 0)
    assert place.slipway("up")[0] == 0
    assert verify(place)[0] == 0


def test_where_the_settings_cannot_be_written_a_key_is_made_all_the_same(place, monkeypatch):
    (place.folder / "file").write_text("in the way")
    monkeypatch.setenv("SLIPWAY_KNOWN_KEYS", str(place.folder / "file" / "known.json"))
    place.write(tests=("", ""))
    assert place.slipway("key", "new")[0] == 0
    assert not is_marked(Home(place.folder / ".slipway"))


def test_a_secret_that_was_cut_is_made_anew(place, download, settings):
    settings.mkdir()
    (settings / "own-sites.key").write_text("abc")
    assert refused(place)
    assert mark(download.home)
    assert verify(place)[0] == 0
