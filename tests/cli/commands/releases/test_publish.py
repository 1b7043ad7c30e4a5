"""`slipway run publish` and `slipway publish --plan` say what would be where, and send nothing."""

import json
import sys

import pytest

pytestmark = pytest.mark.slow

SITE = f"""\
[project.demo]
repository = "code"
[project.demo.stages.pack]
uses = "command"
argv = ['{sys.executable}', '-c', '''open("demo.zip", "w").write("bytes")''']
artefacts = ["demo.zip"]
[project.demo.stages.publish]
uses = "publish"
needs = ["pack"]
targets = [
  {{ kind = "folder", path = "www" }},
  {{ kind = "folder", path = "other", name = "mirror", bandwidth = "10 MB/s" }},
  {{ kind = "command", argv = ["true"], name = "shop", secrets = ["SHOP_TOKEN"] }},
]
[project.demo.stages.publish.secrets]
SHOP_TOKEN = {{ env = "SHOP_TOKEN_OF_THE_SITE" }}
[workers.local]
"""


@pytest.fixture
def made(place, monkeypatch):
    monkeypatch.delenv("SHOP_TOKEN_OF_THE_SITE", raising=False)
    place.config.write_text(SITE)
    (place.folder / "code").mkdir()
    return place


def snapshot(folder):
    return {
        str(path.relative_to(folder)): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


def test_a_local_run_makes_the_release_and_sends_it_nowhere(made):
    code, out, _ = made.slipway("run", "publish")
    assert code == 0, out
    assert "SHOP_TOKEN_OF_THE_SITE" in out
    assert "nothing is sent to folder: 4 files would be sent" in out
    assert "it needs the secret SHOP_TOKEN, which is not on this machine" in out
    assert "as it would be at 3 targets; nothing was sent" in out
    state = made.folder / ".slipway" / "local" / "demo"
    (folder,) = state.glob("releases/demo/[0-9]*")
    assert (folder / "release.json").is_file()
    assert not (state / "www").exists()
    assert not (made.folder / ".slipway" / "www").exists()


def test_the_plan_names_each_file_and_changes_nothing(made, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN_OF_THE_SITE", "a-token-of-the-shop")
    made.slipway("run", "publish")
    state = made.folder / ".slipway"
    (folder,) = state.glob("local/demo/releases/demo/[0-9]*")
    version = folder.name
    other = state / "other" / "demo" / version
    other.mkdir(parents=True)
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    before = snapshot(made.folder)
    code, out, err = made.slipway("publish", "--plan", "demo", "--json")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert (plan["project"], plan["version"]) == ("demo", version)
    deeds = {
        one["target"]: {file["name"]: file["deed"] for file in one["files"]}
        for one in plan["targets"]
    }
    names = {"demo.zip", "index.html", "SHA256SUMS", "release.json"}
    assert deeds == {
        "folder": dict.fromkeys(names, "would be sent"),
        "mirror": dict.fromkeys(names, "is there"),
        "shop": dict.fromkeys(names, "would be sent"),
    }
    code, out, _ = made.slipway("publish", "--plan")
    assert code == 0
    assert "demo.zip" in out
    assert "would be sent" in out
    assert snapshot(made.folder) == before


def test_other_bytes_at_a_target_are_told_and_the_exit_code_says_so(made, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN_OF_THE_SITE", "a-token-of-the-shop")
    made.slipway("run", "publish")
    code, _, _ = made.slipway("run", "publish")
    assert code == 0
    state = made.folder / ".slipway"
    first, second = sorted(state.glob("local/demo/releases/demo/[0-9]*"))
    other = state / "www" / "demo" / second.name
    other.mkdir(parents=True)
    for path in first.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    code, out, _ = made.slipway("publish", "--plan", "--release", second.name)
    assert code == 1
    assert 'it has another "' in out
    assert "refused" in out
    code, _, _ = made.slipway("publish", "--plan", "--release", first)
    assert code == 0


def test_a_secret_that_a_program_says_is_masked(made, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN_OF_THE_SITE", "a-token-of-the-shop")
    tells = ["sh", "-c", "echo no $SHOP_TOKEN >&2; echo; exit 1"]
    made.config.write_text(SITE.replace('argv = ["true"]', f"argv = {json.dumps(tells)}"))
    made.slipway("run", "publish")
    code, out, err = made.slipway("publish", "--plan")
    assert code == 1
    assert "ended with exit code 1: no ****" in out
    assert "a-token-of-the-shop" not in out + err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["publish"], "this command says what would be done: slipway publish --plan"),
        (["publish", "--plan", "dmo"], 'there are demo. Did you mean "demo"?'),
        (["publish", "--plan"], "there is no release yet in"),
        (["publish", "--plan", "--release", "9.9"], 'there is no release "9.9"'),
        (["publish", "--plan", "--stage", "pack"], '"pack" is no publish stage of demo'),
    ],
)
def test_what_cannot_be_planned(made, words, sentence):
    code, out, err = made.slipway(*words)
    assert (code, out) == (2, "")
    assert sentence in err.replace("\n", " ")
