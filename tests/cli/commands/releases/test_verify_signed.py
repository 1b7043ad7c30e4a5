"""`slipway verify` of signed releases: whose keys are known, from where, and what is then said."""

import json
import shutil
from datetime import timedelta

import pytest

from slipway.scripts.releases.signing.pointers import sign_pointer
from slipway.scripts.report import hash_file
from slipway.secrets.site_mark import mark
from slipway.state_folder import Home
from tests.support.signed_releases import NOW, build_facts, make, new_signer, site_signer

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_KNOWN_KEYS", str(tmp_path / "memory" / "known.json"))
    return tmp_path / "memory" / "known.json"


@pytest.fixture(scope="module")
def signer():
    return new_signer(days=36500)


class Shop:
    """A project's folder of releases, here and behind a web server."""

    def __init__(self, folder, signer, url):
        self.folder, self.signer, self.url = folder, signer, url

    def publish(self, run, signer=None, files=None):
        signer = signer or self.signer
        version = f"1.{run}.0+{run}"
        facts = build_facts(version=version, run=run)
        made = make(self.folder / version, site_signer(signer), files, facts)
        self.point(version, run, signer)
        return made

    def point(self, version, run, signer=None):
        digest = hash_file(self.folder / version / "release.json")
        said = {"project": "almanac", "version": version, "run": run}
        said |= {"manifest": {"path": f"{version}/release.json", "sha256": digest}}
        signed = sign_pointer(said, signer or self.signer, NOW)
        (self.folder / "latest.json").write_text(json.dumps(signed))
        (self.folder / "latest").unlink(missing_ok=True)
        (self.folder / "latest").symlink_to(version)


@pytest.fixture
def shop(tmp_path, server, signer):
    folder = tmp_path / "web" / "almanac"
    folder.mkdir()
    return Shop(folder, signer, f"http://127.0.0.1:{server.server_port}/almanac")


def test_a_key_may_be_given_in_each_way(place, shop, tmp_path):
    shop.publish(7)
    (tmp_path / "release.pub").write_text(shop.signer.key.pem)
    (tmp_path / "keys.json").write_text(site_signer(shop.signer).ring.text())
    for key in (shop.signer.key.id, "release.pub", "keys.json", str(tmp_path / "release.pub")):
        for at in (shop.folder, f"{shop.folder}/latest", f"{shop.folder}/1.7.0+7", shop.url):
            code, out, err = place.slipway("verify", at, "--key", key)
            assert (code, err) == (0, ""), out
            assert f"release.json.sig: ok, by {shop.signer.key.id}, known from --key" in out
            assert ("latest.json: ok, the newest since" in out) == ("1.7.0" not in str(at))
            assert "almanac 1.7.0+7 is as it was published: 9 files" in out


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sha256:abc", "is no fingerprint"),
        ("nowhere.pub", "nowhere.pub: is missing"),
        ("bad.pub", "another kind"),
        ("bad.json", "is not readable as JSON"),
    ],
)
def test_a_key_that_is_none(place, shop, tmp_path, key, told):
    shop.publish(7)
    (tmp_path / "bad.pub").write_text("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----")
    (tmp_path / "bad.json").write_text("{")
    code, out, err = place.slipway("verify", shop.folder, "--key", key)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert told in err


def test_a_key_that_nobody_knows_is_not_believed(place, shop, server):
    """Nothing else is downloaded of a stranger's release."""
    shop.publish(7)
    for at in (shop.folder, shop.url):
        code, out, _ = place.slipway("verify", at)
        assert code == 1
        assert f"--key {shop.signer.key.id}" in out
        assert "is not as it was published" in out
    assert not [path for path in server.asked if path.endswith(".tar.zst")]
    code, out, _ = place.slipway("verify", shop.url, "--key", f"sha256:{'0' * 64}", "--json")
    found = json.loads(out)
    assert (code, found["good"]) == (1, False)
    assert [one["name"] for one in found["files"]] == ["release.json.sig"]


def test_it_is_remembered(place, shop, memory):
    shop.publish(7)
    code, out, _ = place.slipway("verify", shop.url, "--remember")
    assert code == 0
    assert "known from this first time" in out
    shop.publish(8)
    code, out, _ = place.slipway("verify", shop.url, "--remember")
    assert (code, f"known from {memory}" in out) == (0, True)
    # The newest of before, served again with its own pointer.
    shop.point("1.7.0+7", 7)
    code, out, _ = place.slipway("verify", shop.url)
    assert code == 1
    assert "is of run 7, and the newest known release is of run 8" in out
    # An older one by its own name is no lie.
    assert place.slipway("verify", f"{shop.url}/1.7.0+7")[0] == 0
    # Another key is refused there, and --remember changes nothing about that.
    shutil.rmtree(shop.folder)
    shop.folder.mkdir()
    shop.publish(9, new_signer(days=36500))
    for more in ((), ("--remember",)):
        code, out, _ = place.slipway("verify", shop.url, *more)
        assert (code, "which is none of the keys that are known" in out) == (1, True)
    # Elsewhere nothing is known.
    assert place.slipway("verify", shop.folder)[0] == 1


def test_a_bad_release_is_not_remembered(place, shop, memory):
    shop.publish(7)
    (shop.folder / "1.7.0+7" / "index.html").write_text("evil")
    assert place.slipway("verify", shop.url, "--remember")[0] == 1
    assert not memory.exists()


def test_a_memory_that_was_damaged_is_told(place, shop, memory):
    shop.publish(7)
    memory.parent.mkdir()
    memory.write_text("[]")
    code, out, err = place.slipway("verify", shop.url)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert str(memory) in err


@pytest.fixture
def keys(shop, tmp_path):
    """The keys.json of a site in the current folder, which signs as the shop does."""
    keys = tmp_path / ".slipway" / "keys" / "keys.json"
    keys.parent.mkdir(parents=True)
    keys.write_text(site_signer(shop.signer).ring.text())
    (tmp_path / "pipeline.toml").write_text("")
    assert mark(Home(tmp_path / ".slipway"))
    return keys


def test_the_site_knows_its_own_key(place, shop, keys, tmp_path):
    shop.publish(7)
    own = tmp_path / ".slipway" / "releases"
    own.symlink_to(tmp_path / "web")
    code, out, _ = place.slipway("verify", own / "almanac")
    assert (code, f"known from {keys}" in out) == (0, True)
    assert place.slipway("verify", ".slipway/releases/almanac/latest")[0] == 0
    # Whoever names a key means that one.
    assert place.slipway("verify", own / "almanac", "--key", f"sha256:{'0' * 64}")[0] == 1


def test_a_site_that_is_named_knows_the_releases_elsewhere(
    place, shop, keys, tmp_path, monkeypatch
):
    shop.publish(7)
    for at in (shop.folder, shop.url):
        assert place.slipway("verify", at)[0] == 1
        code, out, _ = place.slipway("verify", at, "--config", tmp_path / "pipeline.toml")
        assert (code, f"known from {keys}" in out) == (0, True)
    monkeypatch.setenv("SLIPWAY_STATE", str(tmp_path / ".slipway"))
    assert place.slipway("verify", shop.url)[0] == 0


def test_a_state_folder_that_came_with_a_release_is_not_believed(place, shop, keys, tmp_path):
    """It lies in the current folder, as the download does."""
    shop.publish(7)
    for at in (shop.folder, ".slipway/../web/almanac", shop.url):
        code, out, _ = place.slipway("verify", at)
        assert (code, "nothing here says whose key that is" in out) == (1, True)
    # One that anybody may write, or without a site, is nobody's own.
    inside = tmp_path / ".slipway" / "releases"
    shutil.copytree(shop.folder, inside / "almanac", symlinks=True)
    assert place.slipway("verify", inside / "almanac")[0] == 0
    keys.chmod(0o666)
    assert place.slipway("verify", inside / "almanac")[0] == 1
    keys.chmod(0o600)
    (tmp_path / "pipeline.toml").unlink()
    assert place.slipway("verify", inside / "almanac")[0] == 1


def test_what_is_remembered_goes_before_a_state_folder(place, shop, keys, tmp_path, memory):
    inside = tmp_path / ".slipway" / "releases" / "almanac"
    thief = Shop(inside, new_signer(days=36500), "")
    inside.mkdir(parents=True)
    thief.signer, honest = shop.signer, thief.signer
    thief.publish(7, honest)
    assert place.slipway("verify", inside, "--remember", "--key", honest.key.id)[0] == 0
    shutil.rmtree(inside)
    inside.mkdir()
    thief.publish(8)
    for more in ((), ("--config", tmp_path / "pipeline.toml"), ("--remember",)):
        code, out, _ = place.slipway("verify", inside, *more)
        assert (code, f"none of the keys that are known ({memory})" in out) == (1, True)


def lay_open(shop, version):
    """Put a release into its project's own folder."""
    for path in (shop.folder / version).iterdir():
        shutil.copy(path, shop.folder / path.name)


def test_an_older_release_in_the_projects_own_folder(place, shop):
    shop.publish(6)
    shop.publish(7)
    for at in (shop.folder, shop.url):
        assert place.slipway("verify", at, "--remember", "--key", shop.signer.key.id)[0] == 0
    lay_open(shop, "1.6.0+6")
    for at in (shop.folder, shop.url):
        # The newest is known to be found by the pointer, and that one alone is verified.
        code, out, _ = place.slipway("verify", at)
        assert (code, "almanac 1.7.0+7 is as it was published" in out) == (0, True)
    for path in (shop.folder / "latest", shop.folder / "latest.json"):
        path.unlink()
    for at in (shop.folder, shop.url, f"{shop.url}/", f"{shop.url}/release.json"):
        code, _, err = place.slipway("verify", at)
        assert (code, "is no release" in err) == (2, True)


def test_a_strangers_release_in_the_folder_of_a_project_that_is_known(place, shop):
    shop.publish(7)
    for at in (shop.folder, shop.url):
        assert place.slipway("verify", at, "--remember", "--key", shop.signer.key.id)[0] == 0
    shutil.rmtree(shop.folder)
    shop.folder.mkdir()
    shop.publish(8, new_signer(days=36500))
    lay_open(shop, "1.8.0+8")
    for at in (shop.folder, shop.url):
        code, out, _ = place.slipway("verify", at, "--remember")
        assert (code, "which is none of the keys that are known" in out) == (1, True)


def test_a_release_in_its_projects_folder_is_not_the_newest(place, shop, memory):
    """Nothing is remembered yet: its name is that of the project, and not of a version."""
    shop.publish(6)
    lay_open(shop, "1.6.0+6")
    for at in (shop.folder, shop.url, f"{shop.url}/release.json"):
        for more in (("--key", shop.signer.key.id), ("--remember",)):
            code, out, _ = place.slipway("verify", at, *more)
            assert (code, "lies in the project's own folder" in out) == (1, True)
    assert not memory.exists()


def test_a_release_in_a_folder_of_any_name_says_what_was_not_asked(place, shop):
    shop.publish(7)
    (shop.folder / "1.7.0+7").rename(shop.folder / "mine")
    for at in (shop.folder / "mine", f"{shop.url}/mine"):
        code, out, _ = place.slipway("verify", at, "--key", shop.signer.key.id)
        assert (code, "! release.json: NOT ASKED whether it is the newest" in out) == (0, True)
    (shop.folder / "mine").rename(shop.folder / "1.7.0+7")
    for at in (shop.folder / "1.7.0+7", f"{shop.url}/1.7.0%2B7"):
        code, out, _ = place.slipway("verify", at, "--key", shop.signer.key.id)
        assert (code, "NOT ASKED" in out) == (0, False)


def test_a_policy(place, shop, tmp_path):
    shop.publish(7)
    (tmp_path / "pins").mkdir()
    (tmp_path / "pins" / "release.pub").write_text(shop.signer.key.pem)
    policy = tmp_path / "pins" / "policy.toml"
    policy.write_text('keys = ["release.pub"]\nbranches = ["main"]\nminimum-level = 2\n')
    for at in (shop.folder, shop.url):
        code, out, err = place.slipway("verify", at, "--policy", policy)
        assert (code, err) == (0, ""), out
    policy.write_text(f'keys = ["release.pub"]\nrevoked-keys = ["{shop.signer.key.id}"]\n')
    code, out, _ = place.slipway("verify", shop.url, "--policy", policy)
    assert (code, "is revoked" in out) == (1, True)
    policy.write_text('keys = ["release.pub"]\nbuilder = "https://other.example.org/"\n')
    code, out, _ = place.slipway("verify", shop.url, "--policy", policy)
    assert (code, "the policy wants https://other.example.org/" in out) == (1, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("branch = ['main']", 'unknown key "branch". Did you mean "branches"?'),
        ("branches = 'main'", 'branches: "main" is not allowed; write a list of names'),
        ("branches = ['main', 7]", "branches.1: 7 is not allowed; write a list of names"),
        ("minimum-level = 4", "minimum-level: 4 is not allowed; write 1, 2 or 3"),
        ("builder = 'ci'", 'builder: "ci" is not allowed; write the URL of a site'),
        ("newest-known-run = 0\nproject = 1", "project: 1 is not allowed; write a name"),
        ("published-after = 2026-01-01", "a date and time with its zone"),
        ("'a\\u001b' = 1", "Allowed: project, builder"),
        ("[", "is no TOML"),
        ("keys = ['nowhere']", "is missing"),
        (None, "cannot be read"),
    ],
)
def test_a_policy_that_is_none(place, shop, tmp_path, text, told):
    shop.publish(7)
    if text is not None:
        (tmp_path / "policy.toml").write_text(text)
    code, out, err = place.slipway("verify", shop.folder, "--policy", "policy.toml")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert told in err


def test_a_policy_wants_a_signature(place, shop, tmp_path):
    make(shop.folder / "1.0", None)
    (tmp_path / "policy.toml").write_text("")
    code, out, _ = place.slipway("verify", shop.folder / "1.0", "--policy", "policy.toml")
    assert (code, "is not signed, so anybody could have made it" in out) == (1, True)
    both = ("--policy", "policy.toml", "--unsigned")
    assert place.slipway("verify", shop.folder / "1.0", *both)[0] == 2


def test_a_release_of_somebodys_own_machine_says_so(place, shop):
    make(shop.folder / "1.0", None, local=True)
    code, out, _ = place.slipway("verify", shop.folder / "1.0")
    assert (code, "made by `slipway run`, on somebody's own machine" in out) == (1, True)
    code, out, _ = place.slipway("verify", shop.folder / "1.0", "--unsigned")
    assert (code, "! release.json: NOT SIGNED" in out) == (0, True)


def test_what_a_url_says_to_be_huge_is_not_downloaded(place, shop, server):
    made = shop.publish(7)
    folder = shop.folder / "1.7.0+7"
    big = made.artefacts[0].model_copy(update={"size": 10**15})
    text = made.model_copy(update={"artefacts": (big,)}).text()
    (folder / "release.json").write_text(text)
    (folder / "release.json.sig").write_bytes(shop.signer.sign(text.encode()))
    code, out, err = place.slipway("verify", shop.url, "--key", shop.signer.key.id)
    assert (code, out) == (2, "")
    assert "the release is said to have 1000 TB, and at most 20 GB are downloaded" in err
    words = ("--key", shop.signer.key.id, "--max-size", 10**9)
    assert "has room for" in place.slipway("verify", shop.url, *words)[2]
    assert not [path for path in server.asked if path.endswith(".tar.zst")]


def test_a_key_that_is_over_is_told_with_its_day(place, shop):
    old = new_signer(NOW - timedelta(days=99), 9)
    make(shop.folder / "1.0", site_signer(old), published_at=NOW - timedelta(days=99))
    text = (shop.folder / "1.0" / "release.json").read_text()
    text = text.replace("2026-08-22T12:00:00Z", "2026-11-29T12:00:00Z")
    (shop.folder / "1.0" / "release.json").write_text(text)
    (shop.folder / "1.0" / "release.json.sig").write_bytes(old.sign(text.encode()))
    code, out, _ = place.slipway("verify", shop.folder / "1.0", "--key", old.key.id)
    assert code == 1
    assert "whose last day was 2026-08-31; the release is of 2026-11-29" in out
