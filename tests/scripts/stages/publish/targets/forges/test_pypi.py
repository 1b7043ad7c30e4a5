"""Wheels and source archives at an index: what is not right is told before anything is sent."""

import contextlib
import io
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from passlib.apache import HtpasswdFile
from pydantic import ValidationError

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.states import FileState
from slipway.scripts.stages.publish.targets.pypi.settings import PypiTarget
from slipway.scripts.stages.publish.targets.pypi.target import PypiUpload
from tests.scripts.stages.publish.test_run import job
from tests.support.distributions import METADATA, sdist, wheel
from tests.support.forges.pypi import TOKEN, PyPI
from tests.support.forges.server import Answer
from tests.support.http import get
from tests.support.release_targets import Place, Told, Unhurried, bring

WHEEL, SDIST = "almanac-1.4.0-py3-none-any.whl", "almanac-1.4.0.tar.gz"
ARCHIVE = "almanac-1.4.0+7-linux-x86_64.tar.gz"


def program():
    """Return an archive that is no source archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        made.addfile(tarfile.TarInfo("almanac/almanac"))
    return buffer.getvalue()


OTHER = wheel(text=METADATA.format(name="almanac", version="1.4.0") + "more")
FILES = {WHEEL: wheel(), SDIST: sdist(), ARCHIVE: program(), "almanac.zip": b"zip"}


@pytest.fixture
def pypi(tmp_path):
    with PyPI(tmp_path / "pypi").running() as server:
        yield server


def place_at(folder, url, *, token=TOKEN, **settings):
    def connect(release, report):
        stage = {"uses": "publish", "needs": ["archive"], "env": {"PYPI_TOKEN": token}}
        made = job(folder, inputs=[], version=release.version, stage=stage)
        target = PypiTarget.model_validate({"kind": "pypi", "url": url, **settings})
        return PypiUpload(target, made, report)

    return Place(connect, lambda _version: {}, folder / "given", files=FILES)


@pytest.fixture
def place(pypi, tmp_path):
    return place_at(tmp_path, pypi.url, index=pypi.index)


# ---- a real index


@contextlib.contextmanager
def pypiserver(folder: Path, *, private: bool):
    """Run pypiserver, with a password for uploads or for everything."""
    packages = folder / "packages"
    packages.mkdir(parents=True)
    passwords = HtpasswdFile(str(folder / "passwords"), new=True, default_scheme="apr_md5_crypt")
    passwords.set_password("ada", "correct horse")
    passwords.save()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asking = "update,download,list" if private else "update"
    words = [
        *(sys.executable, "-W", "ignore", "-m", "pypiserver", "run", "-i", "127.0.0.1"),
        *("-p", str(port), "-a", asking, "-P", str(folder / "passwords"), "--hash-algo", "sha256"),
        str(packages),
    ]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield f"http://127.0.0.1:{port}", packages
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("private", [False, True])
def test_a_real_index_gets_them_once(tmp_path, private):
    with pypiserver(tmp_path / "server", private=private) as (url, packages):
        place = place_at(tmp_path, url, token="correct horse", user="ada")
        release = place.release("1.4.0+7")
        target, told = bring(place, release)
        assert {one.name: one.read_bytes() for one in packages.iterdir()} == {
            WHEEL: FILES[WHEEL],
            SDIST: FILES[SDIST],
        }
        assert set(told.states()) == {WHEEL, SDIST}
        assert told.ended()["there"].place == f"{url}/simple/almanac/"
        again, _ = bring(place, release)
        assert (target.staged, again.staged) == ([WHEEL, SDIST], [])
        other = place.release("1.4.0+8", {**FILES, WHEEL: OTHER})
        with pytest.raises(StageFailed, match=r"raise the version of almanac itself, 1\.4\.0 now"):
            bring(place, other)


@pytest.mark.slow
def test_a_real_index_refuses_a_wrong_password_before_anything_is_sent(tmp_path):
    with pypiserver(tmp_path / "server", private=False) as (url, packages):
        place = place_at(tmp_path, url, token="wrong horse", user="ada")
        with pytest.raises(StageFailed, match="refuses the user ada with the secret PYPI_TOKEN"):
            bring(place, place.release("1.4.0+7"))
        assert list(packages.iterdir()) == []


# ---- what PyPI itself does


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("hashes", [True, False])
def test_only_wheels_and_source_archives_are_sent(pypi, place, as_json, hashes):
    pypi.as_json, pypi.hashes = as_json, hashes
    release = place.release("1.4.0+7")
    _, told = bring(place, release)
    assert pypi.files == {WHEEL: FILES[WHEEL], SDIST: FILES[SDIST]}
    way = [FileState.STAGED, FileState.VERIFIED, FileState.PUBLIC]
    assert told.states() == {WHEEL: way, SDIST: way}
    again, _ = bring(place, release)
    assert again.staged == []


def test_the_form_says_what_the_metadata_says(pypi, place):
    bring(place, place.release("1.4.0+7"))
    form = {key: value for key, value in pypi.forms[0].items() if "digest" not in key}
    assert form == {
        ":action": ["file_upload"],
        "protocol_version": ["1"],
        "content": ["(file)"],
        "filetype": ["bdist_wheel"],
        "pyversion": ["py3"],
        "metadata_version": ["2.4"],
        "name": ["almanac"],
        "version": ["1.4.0"],
        "summary": ["The sky tonight"],
        "keywords": ["moon, stars"],
        "author_email": ["Ada <ada@example.org>"],
        "license_expression": ["MIT"],
        "license_file": ["LICENSE"],
        "classifiers": [
            "Programming Language :: Python :: 3",
            "Topic :: Scientific/Engineering :: Astronomy",
        ],
        "project_urls": ["Home, https://example.org/almanac"],
        "requires_python": [">=3.11"],
        "requires_dist": ["rich>=14", 'matplotlib; extra == "charts"'],
        "provides_extra": ["charts"],
        "description_content_type": ["text/markdown"],
        "description": ["# Almanac\n\nOù est la lune?\n"],
    }


def test_the_same_version_of_another_run_is_told(pypi, place):
    bring(place, place.release("1.4.0+7"))
    before = dict(pypi.files)
    with pytest.raises(StageFailed, match=r"has another .almanac-1\.4\.0-py3.*raise the version"):
        bring(place, place.release("1.4.0+8", {**FILES, WHEEL: OTHER}))
    assert pypi.files == before


def test_an_index_that_is_slow_to_list_is_waited_for(pypi, place):
    pypi.delay = 3
    clock = Unhurried()
    bring(place, place.release("1.4.0+7"), clock=clock)
    assert clock.waits == [10.0, 20.0]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_private_index_is_read_with_the_token(pypi, tmp_path, as_json):
    pypi.private, pypi.as_json = True, as_json
    place = place_at(tmp_path, pypi.url, index=f"{pypi.here}/simple/")
    release = place.release("1.4.0+7")
    bring(place, release)
    again, _ = bring(place, release)
    assert again.staged == []


def test_somebody_elses_project(pypi, place):
    name = "numpy-9.0-py3-none-any.whl"
    with pytest.raises(StageFailed, match="upload to numpy, which may be somebody else's: 403"):
        bring(place, place.release("1.0", {name: wheel("numpy", "9.0")}))
    assert pypi.files == {}


def test_a_name_that_was_used_before(pypi, place):
    pypi.gone.add(WHEEL)
    with pytest.raises(StageFailed, match=r"does not take almanac-1.+has already been used"):
        bring(place, place.release("1.4.0+7"))


def test_a_local_version_is_told_before_anything_is_sent(tmp_path):
    """No request: the address is PyPI's own."""
    place = place_at(tmp_path, "https://upload.pypi.org/legacy/")
    files = {"almanac-1.4.0+7-py3-none-any.whl": wheel(version="1.4.0+7")}
    release = place.release("1.4.0+7", files)
    target = place.connect(release, Told())
    with contextlib.closing(target), pytest.raises(WrongInput) as caught:
        target.look(release)
    assert "takes none with a local part (+7): build it with the project's own" in str(caught.value)
    assert "1.4.0; the release may be called 1.4.0+7 all the same" in str(caught.value)


def test_other_indexes_take_local_versions(pypi, place, monkeypatch):
    monkeypatch.setattr(pypi, "upload", lambda asked: pypi.files.update(take(pypi, asked)) or ok())
    name = "almanac-1.4.0+7-py3-none-any.whl"
    bring(place, place.release("1.4.0+7", {name: wheel(version="1.4.0+7")}))
    assert set(pypi.files) == {name}


def take(pypi, asked):
    _, name, data = pypi.form(asked)
    return {name: data} if name else {}


def ok():
    raise Answer(200, b"")


def test_a_token_that_is_none_of_pypis(tmp_path):
    place = place_at(tmp_path, "https://upload.pypi.org/legacy/", token="password")
    with pytest.raises(StageFailed, match="the secret PYPI_TOKEN is no token of PyPI"):
        bring(place, place.release("1.4.0+7"))


def test_a_release_without_any(pypi, place):
    with pytest.raises(WrongInput, match="has neither a wheel nor a source archive"):
        bring(place, place.release("1.4.0+7", {"almanac.zip": b"x", ARCHIVE: program()}))


# ---- bad luck


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 503}, [10.0]),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, [3600.0]),
        ({"lose_answer": True}, [10.0]),
        ({"cut_at": 0.5}, [10.0]),
    ],
)
def test_what_passes_is_tried_again(pypi, place, fault, waits):
    target = place.release("1.4.0+7")
    clock = Unhurried()

    def later(watched):
        # Not the question at the beginning.
        check = watched.check

        def checked(version, size):
            check(version, size)
            pypi.fail("POST", "/legacy/", **fault)

        watched.check = checked

    bring(place, target, later, clock=clock)
    assert clock.waits == waits
    assert pypi.files == {WHEEL: FILES[WHEEL], SDIST: FILES[SDIST]}


def test_what_is_stored_wrong_is_told(pypi, place):
    def lie(watched):
        watched.on_staged = lambda file: pypi.files.update({file.name: b"altered"})

    with pytest.raises(StageFailed, match="has another"):
        bring(place, place.release("1.4.0+7"), lie)
    with pytest.raises(StageFailed, match="has another"):
        bring(place, place.release("1.4.0+7"))


def test_the_token_is_in_no_sentence(pypi, place):
    pypi.fail("POST", "/legacy/", status=403, body=f"{TOKEN} is not known")
    with pytest.raises(StageFailed, match=r"403 Forbidden \*\*\*\* is not known") as caught:
        bring(place, place.release("1.4.0+7"))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_that_is_no_index(pypi, place, status):
    pypi.fail("POST", "/legacy/", status=404)
    with pytest.raises(StageFailed, match="there is no index of packages at http"):
        bring(place, place.release("1.4.0+7"))


def test_an_index_elsewhere_that_asks_for_a_password_does_not_get_this_one(pypi, place):
    pypi.private = True
    with pytest.raises(StageFailed, match="asks for a password, and it is no part of"):
        bring(place, place.release("1.4.0+7"))


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://example.org/x", "http://[::"])
def test_an_index_that_leads_elsewhere(pypi, place, where):
    page = f'{{"files": [{{"filename": "{WHEEL}", "url": "{where}"}}]}}'
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    pypi.fail("GET", "/simple/", status=200, body=page, headers=kind)
    with pytest.raises(StageFailed, match="names an address of another"):
        bring(place, place.release("1.4.0+7"))


# ---- distributions that are none


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (WHEEL, b"no zip", "is no whole archive"),
        (WHEEL, wheel()[:-40], "is no whole archive"),
        (WHEEL, wheel("other"), "has no description of a package"),
        (WHEEL, wheel(version="1.5.0"), r"says that it is almanac 1\.5\.0: build it anew"),
        (WHEEL, wheel(text="Metadata-Version: 2.1\nName: other\nVersion: 1.4.0\n"), "is other 1.4"),
        (WHEEL, wheel(text="Metadata-Version: 2.1\nName: almanac\n"), "its metadata is not valid"),
        (WHEEL, wheel(text="Name: almanac\nName: almanac\nVersion: 1.4.0\n"), "is not valid"),
        (
            WHEEL,
            wheel(text=METADATA.format(name="almanac", version="1.4.0").replace(">=3.11", "all")),
            "is not valid",
        ),
        (WHEEL, wheel(text="\x00\xff\r\n\r\n"), "is not valid"),
        (SDIST, sdist()[:100], "is no whole archive"),
        (SDIST, b"\x1f\x8b" + b"x" * 50, "is no whole archive"),
    ],
    # Not by their bytes: an archive holds the time at which it was made.
    ids=range(11),
)
def test_a_distribution_that_is_none_is_told_before_anything_is_sent(
    pypi, place, name, data, sentence
):
    with pytest.raises(WrongInput, match=sentence) as caught:
        bring(place, place.release("1.4.0+7", {name: data}))
    assert "\n" not in str(caught.value)
    assert pypi.files == {}
    assert pypi.forms == []


def test_a_source_archive_without_a_description_is_not_for_it(pypi, place):
    with pytest.raises(WrongInput, match="has neither a wheel nor a source archive"):
        bring(place, place.release("1.4.0+7", {SDIST: sdist(text="")}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://user:pass@example.org/"},
        {"url": "example.org"},
        {"url": "http://pypi.example.org/"},
        {"index": "file:///srv"},
        {"user": "a:b"},
        {"password": "pypi-AgEI..."},
    ],
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        PypiTarget.model_validate({"kind": "pypi", **wrong})


def test_where_indexes_are_read():
    def read_from(**settings):
        return PypiTarget.model_validate({"kind": "pypi", **settings}).read_from

    assert read_from() == "https://pypi.org/simple/"
    assert read_from(url="https://test.pypi.org/legacy/") == "https://test.pypi.org/simple/"
    gitlab = "https://gitlab.example.org/api/v4/projects/24/packages/pypi"
    assert read_from(url=gitlab) == f"{gitlab}/simple/"
    assert read_from(url="https://devpi/a/b/", index="http://devpi/a/b/+simple") == (
        "http://devpi/a/b/+simple/"
    )


def test_what_anybody_may_read_has_a_public_address(pypi, place):
    release = place.release("1.4.0+7")
    bring(place, release)
    target = place.connect(release, Told())
    with contextlib.closing(target):
        target.look(release)
        assert get(target.public_url(WHEEL)).content == FILES[WHEEL]
