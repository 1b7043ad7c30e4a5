"""The bill of materials: valid, complete, the same bytes again, and true of the frozen tree."""

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from slipway.model.protocol.event import ArtefactLeft
from slipway.scripts.binaries.binary import Binary, read_tree
from slipway.scripts.binaries.tables import Imports
from slipway.scripts.stages.freeze.contents.distributions import Distribution
from slipway.scripts.stages.freeze.contents.files import Held
from slipway.scripts.stages.freeze.contents.licences import Licences
from slipway.scripts.stages.freeze.contents.packages import Package
from slipway.scripts.stages.freeze.contents.parts import Part
from slipway.scripts.stages.freeze.run import run
from slipway.scripts.stages.freeze.sbom.document import sbom_text

EPOCH = 1_700_000_000
FACTS = {"python": "3.11.7", "platform": "linux-x86_64"}


def problems(text):
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


def held(path, size=10):
    return Held(path, size, hashlib.sha256(path.encode()).hexdigest())


def distribution(name, *requires, version="1.0", licence="MIT", summary=""):
    return Distribution(name, version, Licences([licence]), requires, summary)


def part(one, *files):
    return Part(one.key, "distribution", one.name, one.version, tuple(map(held, files)), one)


APP = Part("application", "application", "shop", "1.4.0+7", (held("shop"),))
PYTHON = Part("python", "python", "Python", "3.11.7", (held("lib/library.zip/os.pyc"),))


def bill(*parts, binaries=()):
    return json.loads(sbom_text([APP, PYTHON, *parts], binaries, FACTS, EPOCH))


def needs(document):
    return {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}


def test_it_is_valid_and_says_who_needs_whom():
    parts = [
        part(distribution("Flask", "jinja2>=3", 'importlib-metadata; python_version < "3.10"')),
        part(distribution("Jinja2", 'Babel; extra == "i18n"'), "lib/jinja2/a.pyc"),
        part(distribution("Babel"), "lib/babel/a.pyc"),
        part(distribution("importlib_metadata")),
        part(distribution("cx_Freeze"), "lib/library.zip"),
        Part("file:share/x", "file", "x", "", (held("share/x"),)),
    ]
    document = bill(*parts)
    assert problems(json.dumps(document)) is None
    assert Bom.from_json(document).metadata.component.version == "1.4.0+7"
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    found = needs(document)
    assert found["flask"] == ["jinja2", "python"]
    # Nobody asks for the extra, and this Python needs no backport.
    assert found["jinja2"] == ["python"]
    assert {"babel", "cx-freeze", "file:share/x", "flask", "importlib-metadata"} <= set(
        found["application"]
    )
    asks = part(distribution("asks", "Jinja2[i18n]"))
    assert needs(bill(*parts, asks))["jinja2"] == ["babel", "python"]


def test_the_same_tree_gives_the_same_bytes():
    parts = [APP, PYTHON, part(distribution("a"), "lib/a.pyc")]
    first, again = (sbom_text(parts, (), FACTS, EPOCH) for _ in range(2))
    assert first == again
    other = sbom_text([*parts[:2], part(distribution("a"), "lib/b.pyc")], (), FACTS, EPOCH)
    numbers = {json.loads(text)["serialNumber"] for text in (first, other)}
    assert len(numbers) == 2


def test_a_library_of_the_system_has_package_soname_and_hash():
    package = Package("libssl3", "3.0.15-1~deb12u1", "amd64", "debian", "debian-12")
    file = held("lib/libssl-821e.so.3")
    library = Part("package:libssl3", "package", "libssl3", package.version, (file,), None, package)
    binary = Binary(
        Path(file.path), Imports(is_windows=False, machine="", needs=(), soname="libssl.so.3")
    )
    (found,) = (
        one for one in bill(library, binaries=[binary])["components"] if "libssl3" in one["bom-ref"]
    )
    assert found["purl"] == ("pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12")
    (inner,) = found["components"]
    assert inner["hashes"] == [{"alg": "SHA-256", "content": file.sha256}]
    assert inner["properties"] == [{"name": "slipway:soname", "value": "libssl.so.3"}]


@pytest.mark.parametrize(
    "evil",
    [
        distribution('x"},{"type":"', licence="</licence>", summary="\x1b[31m\u202e\x00"),
        distribution("x", "not a requirement ((", "y; python_version == ", version="1/../@?#"),
        distribution("../../etc/passwd", licence="GPL\nMIT"),
    ],
)
def test_what_packages_say_of_themselves_stays_text(evil):
    document = bill(part(evil, "lib/x.pyc"))
    assert problems(json.dumps(document)) is None
    (found,) = (one for one in document["components"] if one["name"] == evil.name)
    assert found["purl"].count("@") == 1
    assert not {"?", "#", '"', " "} & set(found["purl"])


SHOP = {
    "pyproject.toml": (
        '[project]\nname = "shop"\nversion = "2.0"\ndependencies = ["flask", "humanize"]\n'
        '[project.scripts]\nshop = "shop.app:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    ),
    "shop/__init__.py": "",
    "shop/app.py": "import flask, humanize, ssl\n\n\ndef main():\n    print(flask.__name__)\n",
    "shop/note.txt": "a note",
    "notes/more.txt": "more",
}


def top_modules(tree):
    """Return the names of what can be imported at the top, as a person would list them."""
    with zipfile.ZipFile(tree / "lib" / "library.zip") as packed:
        names = {name.partition("/")[0] for name in packed.namelist()}
    names |= {one.name for one in (tree / "lib").iterdir()}
    left = {name for name in names if not name.endswith((".zip", ".dat"))}
    return {name.partition(".")[0] if ".dist-info" not in name else name for name in left}


@pytest.mark.slow
def test_everything_in_a_frozen_tree_has_its_component(project, make_job, recorder, tmp_path):
    project(SHOP)
    job = make_job({"uses": "freeze", "include-files": ["notes"]})
    run(job, recorder)
    left = {one.name: one for one in recorder.of(ArtefactLeft)}
    (name,) = (name for name in left if name.endswith(".cdx.json"))
    assert left[name].role == "product"
    text = Path(left[name].path).read_text("utf-8")
    assert problems(text) is None
    for secret in (str(tmp_path), sys.prefix, tempfile.gettempdir()):
        assert secret not in text
    document = json.loads(text)
    components = [document["metadata"]["component"], *document["components"]]
    files = {}
    for one in components:
        for inner in one.get("components", [one] if one["type"] == "file" else []):
            place = inner.get("name") if inner is not one else one["bom-ref"][len("file:") :]
            assert place not in files
            files[place] = (one["bom-ref"], inner["hashes"][0]["content"])
    tree = tmp_path / "output" / "shop"
    for binary in read_tree(tree):
        assert binary.path.as_posix() in files
    for top in top_modules(tree):
        assert [path for path in files if f"/{top}" in path], top
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert files[path.relative_to(tree).as_posix()][1] == digest
    owners = {path: owner for path, (owner, _) in files.items()}
    assert owners["shop"] == "freeze-core"
    assert owners["lib/shop/app.pyc"] == owners["lib/shop/note.txt"] == "application"
    assert owners["notes/more.txt"] == "application"
    assert owners["lib/flask/app.pyc"] == "flask"
    assert owners["lib/library.zip/BUILD_CONSTANTS.pyc"] == "cx-freeze"
    assert [owner for path, owner in owners.items() if path.endswith("/pathlib.pyc")] == ["python"]
    by_key = {one["bom-ref"]: one for one in components}
    assert by_key["flask"]["purl"].startswith("pkg:pypi/flask@3")
    assert by_key["python"]["version"] == sys.version.split()[0]
    assert "jinja2" in needs(document)["flask"]
    assert {"flask", "humanize"} <= set(needs(document)["application"])
