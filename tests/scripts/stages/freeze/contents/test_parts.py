"""What each file of a frozen tree belongs to, on trees made by hand."""

import zipfile
from email.message import Message

import pytest

from slipway.scripts.stages.freeze.contents.files import read_files
from slipway.scripts.stages.freeze.contents.licences import read_licences
from slipway.scripts.stages.freeze.contents.parts import read_parts


@pytest.fixture
def frozen(tmp_path):
    """Make a tree, an environment with one distribution, and the guest's facts of them."""
    tree, site = tmp_path / "tree", tmp_path / "env" / "site-packages"
    project, work = tmp_path / "project", tmp_path / "work"
    python = tmp_path / "python"
    for folder in (tree / "lib" / "pkg", site / "pkg", project, work, python):
        folder.mkdir(parents=True)
    with zipfile.ZipFile(tree / "lib" / "library.zip", "w") as packed:
        packed.writestr("os.pyc", b"code")
        packed.writestr("own.pyc", b"code")
    for name in ("pkg/__init__.pyc", "pkg/late.pyc", "plain.so", "odd.pyc"):
        (tree / "lib" / name).write_bytes(b"x")
    (tree / "shop").write_bytes(b"x")
    info = site / "the_pkg-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: The.Pkg\nVersion: 2.5\n")
    (info / "RECORD").write_text("pkg/__init__.py,,\nthe_pkg-2.5.dist-info/METADATA,,\n")
    for file in (site / "pkg/__init__.py", site / "pkg/late.py", site / "odd.py", python / "os.py"):
        file.write_text("")
    files = {
        "shop": str(work / "shop"),
        "lib/pkg/__init__.pyc": str(site / "pkg" / "__init__.py"),
        "lib/pkg/late.pyc": str(site / "pkg" / "late.py"),
        "lib/odd.pyc": str(site / "odd.py"),
        "lib/library.zip/os.pyc": str(python / "os.py"),
        "lib/library.zip/own.pyc": str(project / "own.py"),
    }
    places = {"files": files, "own": [], "python": [str(python)], "site": [str(site)]}
    facts = {"places": places, "python": "3.11.7", "cx_freeze": "8.7.3"}

    def parts():
        found = read_parts(tree, facts, (project, work), ("shop", "1.0"))
        return {one.key: sorted(held.path for held in one.files) for one in found}, found

    return tree, parts


def test_each_file_is_in_one_part(frozen):
    tree, parts = frozen
    owners, found = parts()
    assert owners == {
        "application": ["lib/library.zip/own.pyc", "lib/plain.so", "shop"],
        "python": ["lib/library.zip/os.pyc"],
        "cx-freeze": ["lib/library.zip"],
        # A file that no record names, beside one that is named.
        "the-pkg": ["lib/pkg/__init__.pyc", "lib/pkg/late.pyc"],
        # It lies among the packages and is of none.
        "file:lib/odd.pyc": ["lib/odd.pyc"],
    }
    listed = [held.path for one in found for held in one.files]
    assert sorted(listed) == [one.path for one in sorted(read_files(tree), key=lambda i: i.path)]
    # The metadata are not in the tree: name and version come from the environment.
    assert [(one.name, one.version) for one in found if one.key == "the-pkg"] == [
        ("The.Pkg", "2.5")
    ]


def test_a_link_is_no_file(frozen):
    tree, parts = frozen
    (tree / "lib" / "link.so").symlink_to("/etc/passwd")
    assert not [path for files in parts()[0].values() for path in files if "link" in path]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([("License-Expression", "mit")], ["MIT"]),
        ([("License", "Apache-2.0 OR BSD-3-Clause")], ["Apache-2.0 OR BSD-3-Clause"]),
        ([("Classifier", "License :: OSI Approved :: MIT License")], ["MIT"]),
        (
            [("License", "Copyright\nlong text"), ("Classifier", "License :: OSI Approved :: X")],
            ["X"],
        ),
        ([("License", "Our own terms")], ["Our own terms"]),
        ([("License", "x" * 5000)], ["x" * 120]),
        ([("License", "UNKNOWN")], []),
        ([], []),
    ],
)
def test_licences(lines, said):
    metadata = Message()
    for key, value in lines:
        metadata.add_header(key, value)
    assert list(read_licences(metadata)) == said
