"""The master makes a release of what is in the store, and of nothing else."""

import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest

from slipway.artefacts.store import Store, StoreError
from slipway.master.publishing.making import make
from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.scripts.releases.verify import verify
from tests.support.stored import put

OWN = ["SHA256SUMS", "index.html", "release.json"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def given(store, name, data, role="product"):
    put(store, data)
    return Input(
        stage="pack",
        uses="archive",
        name=name,
        path=f"../input/pack/{name}",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        role=role,
    )


def job(*inputs, version="1.4.0+7", **stage):
    run = RunFacts(
        number=7, revision="ab" * 20, branch="main", committed_at=1_700_000_001, version=version
    )
    return Job(
        project="almanac",
        name="publish",
        stage={"uses": "publish", "needs": ["pack"], **stage},
        run=run,
        inputs=inputs,
        audit_head="5" * 64,
        output="../output",
        cache="../cache",
        state="/nowhere",
        worker="whoever",
    )


def test_a_release_is_made_of_the_store(tmp_path, store):
    inputs = given(store, "almanac.zip", b"zip"), given(store, "a.dump", b"d")
    kept = make(job(*inputs), tmp_path / "releases", store)
    assert kept.folder == tmp_path / "releases" / "almanac" / "1.4.0+7"
    assert verify(kept.folder) == []
    assert [one.name for one in kept.files] == [
        *("a.dump", "almanac.zip", "index.html", "SHA256SUMS", "release.json")
    ]
    for one in kept.files:
        data = (kept.folder / one.name).read_bytes()
        assert one.sha256 == hashlib.sha256(data).hexdigest()
        assert store.path(one.sha256).read_bytes() == data
        assert (one.path, one.size) == (f"../input/release/{one.name}", len(data))
    manifest = json.loads((kept.folder / "release.json").read_text())
    assert (manifest["worker"], manifest["audit_head"]) == ("the master", "5" * 64)
    assert kept.facts["manifest_sha256"] == kept.files[-1].sha256
    assert not kept.again


def test_a_worker_gets_its_files_only_where_there_are_targets(tmp_path, store):
    one = job(given(store, "almanac.zip", b"zip"))
    kept = make(one, tmp_path / "releases", store)
    told = kept.job(one)
    assert (told.inputs, told.records, told.fetched) == ((), (), ())
    assert told.release.manifest_sha256 == kept.files[-1].sha256
    other = job(*one.inputs, targets=[{"kind": "folder", "path": "copies"}])
    assert make(other, tmp_path / "releases", store).job(other).fetched == kept.files


def test_again_it_is_the_same_release(tmp_path, store):
    one = job(given(store, "almanac.zip", b"zip"))
    first, second = (make(one, tmp_path / "releases", store) for _ in range(2))
    assert (first.again, second.again) == (False, True)
    assert first.files == second.files


def test_own_files_that_the_store_has_lost_are_given_to_it_again(tmp_path, store):
    one = job(given(store, "almanac.zip", b"zip"))
    first = make(one, tmp_path / "releases", store)
    for file in first.files:
        if file.name in OWN:
            store.path(file.sha256).unlink()
    assert make(one, tmp_path / "releases", store).files == first.files
    assert all(store.has(file.sha256) for file in first.files)


def test_other_contents_under_the_version_are_refused(tmp_path, store):
    make(job(given(store, "almanac.zip", b"zip")), tmp_path / "releases", store)
    with pytest.raises(StageFailed, match="published already with other contents, by run 7"):
        make(job(given(store, "almanac.zip", b"other")), tmp_path / "releases", store)
    folder = tmp_path / "releases" / "almanac" / "1.4.0+7"
    assert (folder / "almanac.zip").read_bytes() == b"zip"


def test_what_was_altered_in_the_store_is_not_released(tmp_path, store):
    one = given(store, "almanac.zip", b"zip")
    store.path(one.sha256).chmod(0o600)
    store.path(one.sha256).write_bytes(b"zap")
    with pytest.raises(StageFailed, match=r'"almanac\.zip" was altered on its way'):
        make(job(one), tmp_path / "releases", store)
    assert list((tmp_path / "releases" / "almanac").glob("*")) == []


def test_what_is_no_longer_in_the_store_is_told(tmp_path, store):
    one = given(store, "almanac.zip", b"zip")
    store.path(one.sha256).unlink()
    with pytest.raises(StageFailed, match="no such file or directory"):
        make(job(one), tmp_path / "releases", store)


@pytest.mark.parametrize("version", ["..", "latest", "index.html", "a/b", ".hidden"])
def test_a_version_that_names_no_folder_is_refused(tmp_path, store, version):
    with pytest.raises(WrongInput):
        make(job(given(store, "a.zip", b"zip"), version=version), tmp_path / "releases", store)


def test_a_hash_that_is_none_leads_nowhere(tmp_path, store):
    one = given(store, "a.zip", b"zip").model_copy(update={"sha256": "../../etc/passwd"})
    with pytest.raises(StoreError, match="is no SHA-256"):
        make(job(one), tmp_path / "releases", store)


def test_two_at_once_make_one_release(tmp_path, store):
    one = job(given(store, "almanac.zip", b"zip" * 100_000))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make(one, tmp_path / "releases", store), range(4)))
    assert len({kept.files for kept in made}) == 1
    assert [kept.again for kept in made].count(False) == 1
    assert verify(made[0].folder) == []


def test_files_of_a_release_can_be_read_by_a_web_server(tmp_path, store):
    old = os.umask(0o022)
    try:
        kept = make(job(given(store, "almanac.zip", b"zip")), tmp_path / "releases", store)
    finally:
        os.umask(old)
    modes = {stat.S_IMODE((kept.folder / one.name).stat().st_mode) for one in kept.files}
    assert modes == {0o644}


EVIL = b"""<!doctype html></iframe><script>window.ran = 1</script>"><meta http-equiv="refresh"
content="0;url=https://evil.example.org/"><form action="https://evil.example.org/">
<p id=x>\x00\xff"""


def test_the_freeze_report_is_part_of_the_release_and_can_do_nothing(tmp_path, store):
    page = given(store, "almanac-linux-freeze.html", EVIL, role="report")
    kept = make(job(given(store, "almanac.zip", b"zip"), page), tmp_path / "releases", store)
    assert verify(kept.folder) == []
    assert page.name in [one.name for one in kept.files]
    assert [one.name for one in kept.manifest.pages] == ["index.html", page.name]
    assert f'href="./{page.name}"' in (kept.folder / "index.html").read_text()
    found = Tags()
    found.feed((kept.folder / page.name).read_text())
    tags = [tag for tag, _ in found.tags if tag not in {"html", "head", "body"}]
    assert tags == ["meta", "meta", "meta", "title", "style", "iframe"]
    frame = found.tags[-1][1]
    assert frame["sandbox"] is None
    assert "<script>window.ran = 1</script>" in frame["srcdoc"]
    assert not [one for one in kept.folder.iterdir() if one.name.endswith(".part")]


class Tags(HTMLParser):
    """The tags of a page, as a browser begins them."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))


def test_what_is_no_freeze_report_stays_out(tmp_path, store):
    product = given(store, "almanac.zip", b"zip")
    own = given(store, "a-freeze.html", b"mine")
    others = [
        given(store, "results.html", b"r", role="report"),
        given(store, "A-freeze.html", b"clashes", role="report"),
        given(store, "large-freeze.html", b" " * ((8 << 20) + 1), role="report"),
        given(store, "pruned-freeze.html", b"pruned", role="report"),
    ]
    store.path(others[-1].sha256).unlink()
    kept = make(job(product, own, *others), tmp_path / "releases", store)
    assert verify(kept.folder) == []
    assert [one.name for one in kept.manifest.pages] == ["index.html"]
    assert (kept.folder / "a-freeze.html").read_bytes() == b"mine"


def test_the_same_report_of_two_cells_is_one_file(tmp_path, store):
    pages = [given(store, "a-freeze.html", text, role="report") for text in (b"one", b"two")]
    kept = make(job(given(store, "almanac.zip", b"zip"), *pages), tmp_path / "releases", store)
    assert verify(kept.folder) == []
    assert [one.name for one in kept.manifest.pages] == ["index.html", "a-freeze.html"]


def test_a_report_that_was_altered_in_the_store_is_refused(tmp_path, store):
    page = given(store, "a-freeze.html", b"one", role="report")
    store.path(page.sha256).chmod(0o600)
    store.path(page.sha256).write_bytes(b"two")
    with pytest.raises(StageFailed):
        make(job(given(store, "almanac.zip", b"zip"), page), tmp_path / "releases", store)
    assert not (tmp_path / "releases" / "almanac" / "1.4.0+7").exists()
