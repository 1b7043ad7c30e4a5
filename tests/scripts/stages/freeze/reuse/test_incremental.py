"""Freezing again: what is left is, byte for byte, what freezing all would have left."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import ArtefactLeft, Progress
from slipway.scripts.stages.freeze.run import run
from tests.scripts.conftest import Recorder

KEPT = "only the project's own files have changed"
SHOP = {
    "pyproject.toml": (
        '[project]\nname = "shop"\nversion = "2.0"\ndependencies = ["markupsafe"]\n'
        '[project.scripts]\nshop = "shop.app:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    ),
    "shop/__init__.py": "",
    "shop/app.py": (
        "import json\nfrom pathlib import Path\n\nfrom markupsafe import escape\n\n"
        "from shop.deep import price\n\n\ndef main():\n"
        "    note = (Path(__file__).parent / 'note.txt').read_text()\n"
        "    print(json.dumps([str(escape('<')), price.of(2), note]))\n"
    ),
    "shop/deep/__init__.py": "",
    "shop/deep/price.py": "from . import tax\n\n\ndef of(n):\n    return n + tax.RATE\n",
    "shop/deep/tax.py": "RATE = 1\n",
    "shop/note.txt": "a note",
    "docs/more.txt": "more",
    "README.md": "the shop",
}
STAGE = {
    "uses": "freeze",
    "smoke": [{"arguments": [], "expect": "&lt;"}],
    "include-files": ["docs"],
}


def hashes(folder):
    """Return what each path of a tree is: folder, link, or a file's hash and whether it runs."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            runs = bool(path.stat().st_mode & 0o100)
            found[name] = f"{runs} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return found


@pytest.fixture
def shop(project, make_job, tmp_path):
    """Write the project, and freeze it with what was kept (in a cache of this test's own)."""
    folder = project(SHOP)
    output = tmp_path / "output"
    # Environments are shared by all tests, what is kept of freezes is not.
    shared = Path(make_job(STAGE).cache)

    class Shop:
        path = folder
        freeze_cache = shared / "freeze"

        def freeze(self, **more):
            shutil.rmtree(output, ignore_errors=True)
            run_facts = more.pop("run", {})
            job = make_job(STAGE | more)
            job = job.model_copy(update={"run": job.run.model_copy(update=run_facts)})
            said = Recorder()
            run(job, said)
            return said

        def tree(self):
            left = {one.name: one.read_bytes() for one in output.glob("*.tar.zst")}
            left |= {one.name: one.read_bytes() for one in output.glob("*.cdx.json")}
            return hashes(output / "shop"), left

    for kind in ("results", "trees"):
        shutil.rmtree(Shop.freeze_cache / kind, ignore_errors=True)
    return Shop()


def was_kept(said):
    return any(KEPT in one.text for one in said.of(Progress))


def change(path, old, new):
    path.write_text(path.read_text().replace(old, new))


def edits(folder):
    """Yield changes one after the other, and whether only the project's own is frozen again."""
    change(folder / "shop/deep/tax.py", "1", "2")
    yield "a changed function", True
    (folder / "shop/note.txt").write_text("another note, longer than before")
    (folder / "docs/more.txt").write_text("less")
    yield "changed data", True
    (folder / "README.md").write_text("the other shop")
    (folder / "tests").mkdir()
    (folder / "tests/data.py").write_text("x = 1")
    yield "what is not in the program", True
    change(folder / "shop/deep/tax.py", "RATE", "import json\nRATE")
    yield "an import that another module has", True
    change(folder / "shop/deep/tax.py", "import json", "import base64")
    yield "a new import of what is there", False
    change(folder / "shop/deep/tax.py", "import base64", "import wave")
    yield "a new import of what is not", False
    change(folder / "shop/deep/price.py", "from . import tax", "from shop.deep import tax")
    yield "the same import by another name", False
    (folder / "shop/late.py").write_text("LATE = 1\n")
    yield "a new module", False
    (folder / "shop/late.py").unlink()
    yield "a removed module", False
    (folder / "docs/more.txt").rename(folder / "docs/other.txt")
    yield "data by another name", False
    (folder / "docs/other.txt").chmod(0o755)
    yield "data that may be run", True


@pytest.mark.slow
def test_after_each_change_it_is_what_freezing_all_makes(shop):
    assert not was_kept(shop.freeze())
    for number, (what, kept) in enumerate(edits(shop.path)):
        # A commit of its own each, with a time of its own.
        facts = {"committed_at": 1_700_000_000 + number * 1000, "number": 8 + number}
        said = shop.freeze(run=facts)
        assert was_kept(said) is kept, what
        if kept:
            again = shop.tree()
            assert not was_kept(shop.freeze(run=facts, incremental=False))
            assert shop.tree() == again, what


@pytest.mark.slow
def test_settings_and_versions_count(shop):
    shop.freeze()
    change(shop.path / "shop/deep/tax.py", "1", "2")
    assert not was_kept(shop.freeze(excludes=["wave"]))
    change(shop.path / "pyproject.toml", '"2.0"', '"2.1"')
    assert not was_kept(shop.freeze())


@pytest.mark.slow
def test_nothing_changed_nothing_done(shop):
    first = shop.freeze()
    _, left = shop.tree()
    kept = {one.name: one.sha256 for one in first.of(ArtefactLeft)}
    again = shop.freeze(run={"number": 12, "version": "2.0+12"})
    assert "nothing has changed since run 7: what that left was left again" in again.notices[-1]
    assert "not started again" in again.notices[-1]
    assert not [one for one in again.of(Progress) if "freezing" in one.text]
    assert again.closing.facts["reused_from"] == 7
    found = {one.name: (one.sha256, one.role) for one in again.of(ArtefactLeft)}
    assert set(found) == set(kept)
    bills = [name for name in kept if name.endswith(".cdx.json")]
    assert {name for name in kept if found[name][0] != kept[name]} == set(bills)
    # The bill is of this version, and the one that a freeze of it would leave.
    (bill,) = (one for one in again.of(ArtefactLeft) if one.name in bills)
    document = json.loads(Path(bill.path).read_text())
    assert document["metadata"]["component"]["version"] == "2.0+12"
    text = Path(bill.path).read_bytes()
    whole = shop.freeze(run={"number": 12, "version": "2.0+12"}, incremental=False)
    assert "nothing has changed" not in " ".join(whole.notices)
    _, anew = shop.tree()
    assert anew[bill.name] == text
    assert {n: b for n, b in anew.items() if n != bill.name} == {
        n: b for n, b in left.items() if n != bill.name
    }
    # Another commit of the same files has another time.
    later = shop.freeze(run={"committed_at": 1_700_000_900})
    assert was_kept(later)


@pytest.mark.slow
def test_what_is_kept_and_damaged_is_not_used(shop, tmp_path):
    shop.freeze()
    tree, left = shop.tree()
    (result,) = (shop.freeze_cache / "results").iterdir()
    (kept,) = (shop.freeze_cache / "trees").iterdir()
    secret = tmp_path / "secret"
    secret.write_text("PRIVATE")
    # Another content, a link, and a name that leads elsewhere.
    archive = next(result.glob("*.tar.zst"))
    archive.write_bytes(archive.read_bytes() + b"x")
    said = shop.freeze()
    assert "what was kept of an earlier freeze is damaged: frozen anew" in said.notices
    assert shop.tree() == (tree, left)
    (result,) = (shop.freeze_cache / "results").iterdir()
    given = json.loads((result / "notes.json").read_text())
    given["files"][0]["name"] = "../../secret"
    notes = result / "notes.json"
    notes.write_text(json.dumps(given))
    assert "nothing has changed" not in " ".join(shop.freeze().notices)
    (result,) = (shop.freeze_cache / "results").iterdir()
    page = next(result.glob("*.html"))
    page.unlink()
    page.symlink_to(secret)
    shop.freeze()
    assert "PRIVATE" not in next(one for one in (tmp_path / "output").glob("*.html")).read_text()
    # Facts that are none, and a cache that cannot be written.
    (result,) = (shop.freeze_cache / "results").iterdir()
    given = json.loads((result / "notes.json").read_text())
    (result / "notes.json").write_text(json.dumps(given | {"facts": {"size": {"a": [None] * 3}}}))
    shop.freeze()
    shutil.rmtree(shop.freeze_cache / "results")
    (shop.freeze_cache / "results").write_text("no folder")
    said = shop.freeze()
    assert "could not be kept for the next time" in said.notices[-1]
    (shop.freeze_cache / "results").unlink()
    shop.freeze()
    # The tree, too.
    shutil.rmtree(shop.freeze_cache / "results")
    (kept / "tree" / "lib" / "shop" / "note.txt").write_text("a fake")
    change(shop.path / "shop/deep/tax.py", "1", "2")
    assert not was_kept(shop.freeze())
    again = shop.tree()
    shop.freeze(incremental=False)
    assert shop.tree() == again


@pytest.mark.slow
def test_what_does_not_start_any_more_is_frozen_in_full_and_fails(shop):
    shop.freeze()
    change(shop.path / "shop/deep/tax.py", "RATE = 1", "RATE = 1 / 0")
    with pytest.raises(StageFailed, match="ZeroDivisionError"):
        shop.freeze()
    change(shop.path / "shop/deep/tax.py", "RATE = 1 / 0", "RATE = (")
    with pytest.raises(StageFailed):
        shop.freeze()
    # What was kept before is good still.
    change(shop.path / "shop/deep/tax.py", "RATE = (", "RATE = 3")
    assert was_kept(shop.freeze())
