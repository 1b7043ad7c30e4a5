"""A project's version: pyproject.toml, else the nearest tag, else 0.0.0; never a local part."""

import pytest

from slipway.model.versions.release import find_version


def base_version(pyproject, described):
    return find_version({"pyproject.toml": pyproject}.get, described).text


def pyproject(version):
    return f'[project]\nname = "almanac"\nversion = "{version}"\n'


@pytest.mark.parametrize(
    ("written", "described", "version"),
    [
        ("1.4.0", None, "1.4.0"),
        ("1.4.0", "v9.9", "1.4.0"),
        ("v1.4", None, "1.4"),
        ("2.0rc1", None, "2.0rc1"),
        ("2.0.dev3", None, "2.0.dev3"),
        ("1.4.0+local.7", None, "1.4.0"),
        ("not a version", "v1.2.3", "1.2.3"),
        ("not a version", None, "0.0.0"),
    ],
)
def test_pyproject_goes_first(written, described, version):
    assert base_version(pyproject(written), described) == version


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[project]\n",
        '[project]\nname = "almanac"\ndynamic = ["version"]\n',
        "project = 3\n",
        "[project]\nversion = 3\n",
        "this is no TOML = = =",
    ],
)
def test_without_a_version_in_pyproject_the_tag_counts(text):
    assert base_version(text, "v1.2.3-4-gabc1234") == "1.2.3"
    assert base_version(text, None) == "0.0.0"


@pytest.mark.parametrize(
    ("described", "version"),
    [
        ("v1.4.0", "1.4.0"),
        ("1.4.0\n", "1.4.0"),
        ("v1.4.0-3-gabc1234", "1.4.0"),
        ("almanac-2.1-12-g0123abc", "2.1"),
        ("release/2026.11", "2026.11"),
        ("1.0+ours", "1.0"),
        ("v1.0-rc1-2-gabc", "1.0rc1"),
        ("nightly", "0.0.0"),
        ("v1.x.y", "0.0.0"),
        ("", "0.0.0"),
    ],
)
def test_tags(described, version):
    assert base_version(None, described) == version


def dynamic(more, backend="setuptools.build_meta"):
    return (
        f'[build-system]\nbuild-backend = "{backend}"\n'
        f'[project]\nname = "my-app"\ndynamic = ["version"]\n{more}'
    )


SETUPTOOLS = "[tool.setuptools.dynamic]\nversion = "
SCM = "[tool.setuptools_scm]\n"
BACKENDS = {
    "an attribute": (SETUPTOOLS + '{ attr = "app.__version__" }', "app/__init__.py", "1.2"),
    "one below src": (SETUPTOOLS + '{ attr = "app.about.V" }', "src/app/about.py", "V"),
    "one elsewhere": (
        '[tool.setuptools.package-dir]\n"" = "lib"\n' + SETUPTOOLS + '{ attr = "app.V" }',
        "lib/app.py",
        "V",
    ),
    "a file": (SETUPTOOLS + '{ file = "VERSION" }', "VERSION", ""),
    "a file in a list": (SETUPTOOLS + '{ file = ["VERSION"] }', "VERSION", ""),
    "hatch": ('[tool.hatch.version]\npath = "src/app/about.py"', "src/app/about.py", "VERSION"),
    "pdm": ('[tool.pdm.version]\nsource = "file"\npath = "app.py"', "app.py", "__version__"),
}


@pytest.mark.parametrize(("more", "path", "name"), BACKENDS.values(), ids=BACKENDS)
def test_a_dynamic_version_is_read_where_the_backend_reads_it(more, path, name):
    name = "__version__" if name == "1.2" else name
    files = {
        "pyproject.toml": dynamic(more),
        path: f'"""Doc."""\nimport os\n{name}: str = "3.1.4"\n' if name else "3.1.4\n",
    }
    assert find_version(files.get, "v9.9").text == "3.1.4"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        (
            {"pyproject.toml": dynamic("", "flit_core.buildapi"), "my_app.py": "__version__='2.1'"},
            "2.1",
        ),
        (
            {"pyproject.toml": dynamic("", "maturin"), "Cargo.toml": "[package]\nversion='4.0.1'"},
            "4.0.1",
        ),
        ({"pyproject.toml": "[tool.poetry]\nversion = '5.2'"}, "5.2"),
        ({"setup.cfg": "[metadata]\nversion = 6.1\n"}, "6.1"),
        ({"setup.cfg": "[metadata]\nversion = attr: app.V\n", "app.py": "V='6.2'"}, "6.2"),
        ({"setup.cfg": "[metadata]\nversion = file: V\n", "V": "6.3\n"}, "6.3"),
        ({"setup.py": "setup(name='x', version='7.0', packages=[])"}, "7.0"),
        ({"setup.py": "setup(version=app.__version__)", "app.py": "__version__ = '7.1'"}, "7.1"),
        ({"setup.py": "VERSION = '7.2'\nsetup(\n    version=VERSION,\n)"}, "7.2"),
        (
            {
                "setup.cfg": "[metadata]\nversion = attr: app.V\n[options]\npackage_dir=\n  =lib\n",
                "lib/app.py": "V='6.4'",
            },
            "6.4",
        ),
        (
            {
                "pyproject.toml": "[build-system]\nbuild-backend = 'flit_core.buildapi'\n"
                "[tool.flit.metadata]\nmodule = 'app'\n",
                "app.py": "__version__ = '8.0'",
            },
            "8.0",
        ),
        ({"pyproject.toml": dynamic(SCM), "PKG-INFO": "Name: x\nVersion: 9.1\n"}, "9.1"),
    ],
)
def test_other_backends_are_known(files, version):
    assert find_version(files.get, None).text == version


@pytest.mark.parametrize("more", [SCM, "[tool.hatch.version]\nsource = 'vcs'\n"])
def test_where_the_tag_is_the_version_it_is_taken(more):
    files = {"pyproject.toml": dynamic(more)}
    assert find_version(files.get, "v2.3.0-4-gabc1234").text == "2.3.0"
    found = find_version(files.get, None)
    assert found.text == "0.0.0"
    assert found.trouble == (
        'pyproject.toml says dynamic = ["version"], and nothing tells it: no file that its build '
        "backend reads, no tag; make a tag such as v1.0.0, or write the version into "
        "pyproject.toml"
    )


def test_a_tag_that_is_no_version_is_named():
    found = find_version({"pyproject.toml": dynamic("")}.get, "r2d")
    assert 'the nearest tag "r2d" is no version' in found.trouble


def test_a_version_that_is_none_is_told():
    found = find_version({"pyproject.toml": pyproject("one")}.get, None)
    said = "pyproject.toml says no version that is one and can be read without running it, no tag"
    assert found.trouble.startswith(f"{said}; make a")


def test_a_project_that_claims_none_is_content():
    assert find_version({}.get, None).trouble == ""
    assert find_version({"pyproject.toml": "[tool.black]\n"}.get, "nightly2").trouble == ""


@pytest.mark.parametrize(
    "told",
    [
        "{ attr = \"os.system('x')\" }",
        '{ attr = "" }',
        '{ attr = "..a.b" }',
        '{ file = "/etc/hostname" }',
        '{ file = "../x" }',
        "{ file = [] }",
        '{ file = ["a", "b"] }',
        "{ file = 3 }",
        "{}",
        "3",
    ],
)
def test_strange_settings_read_nothing(told):
    def read(path):
        assert not path.startswith("/")
        assert ".." not in path
        return dynamic(SETUPTOOLS + told) if path == "pyproject.toml" else None

    assert find_version(read, None).text == "0.0.0"


def test_settings_of_any_form_do_no_harm():
    for text in (
        "tool = 3",
        "[tool]\nsetuptools = []",
        "[project]\ndynamic = 3",
        "a=" + "[" * 5000,
    ):
        assert find_version({"pyproject.toml": text, "setup.cfg": "[[["}.get, None).text == "0.0.0"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"setup.cfg": "[metadata]\nname = x\n"}, "setup.cfg"),
        ({"setup.py": "setup(version=read('V'))"}, "setup.py"),
        ({"pyproject.toml": "[tool.poetry]\nname = 'x'\nversion = '0.0.0'\n"}, "pyproject.toml"),
    ],
)
def test_a_package_of_any_kind_without_a_version_is_told(files, place):
    found = find_version(files.get, None)
    assert found.text == "0.0.0"
    assert found.trouble.startswith(f"{place} says no version that is one and can be read")
