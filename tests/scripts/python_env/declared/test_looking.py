"""What a project needs is found wherever projects say it."""

import pytest

from slipway.scripts.python_env.environment import prepare
from slipway.scripts.python_env.requirements import is_package, make_plan, read_pyproject
from slipway.scripts.stages.freeze.stage import FreezeStage
from slipway.scripts.stages.tests.stage import TestsStage

TESTS = TestsStage(uses="tests")
FREEZE = FreezeStage(uses="freeze", script="x.py")
POETRY = """[tool.poetry]
name = "small"
version = "1"
[tool.poetry.dependencies]
python = "^3.11"
six = "^1.16"
extra = {version = "1", optional = true}
"""
GROUP = '[tool.poetry.group.test.dependencies]\npytest = "^8"\n'
DOCS = '[tool.poetry.group.docs.dependencies]\nmkdocs = "*"\n'
CORE = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\n'


def words(folder, stage=TESTS):
    plan = make_plan(folder, stage)
    return " ".join(word.replace(f"{folder}/", "") for call in plan.calls for word in call)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pyproject.toml": POETRY}, "pip install six>=1.16,<2"),
        ({"pyproject.toml": POETRY + GROUP + DOCS}, "pip install six>=1.16,<2 pytest>=8,<9"),
        (
            {"pyproject.toml": POETRY + '[tool.poetry.dev-dependencies]\nx = "*"\n'},
            "pip install six>=1.16,<2 x",
        ),
        (
            {"pyproject.toml": POETRY + GROUP + CORE},
            "pip install --editable . pytest>=8,<9",
        ),
        (
            {"pyproject.toml": POETRY + '[tool.poetry.extras]\ntest = ["extra"]\n' + CORE},
            "pip install --editable .[test]",
        ),
        (
            {"pyproject.toml": POETRY.replace('"1"\n', '"1"\npackage-mode = false\n', 1) + CORE},
            "pip install six>=1.16,<2",
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS,
                "setup.cfg": "[metadata]\nname = small\n[options.extras_require]\n"
                "testing =\n    pytest\n    six # why\ndocs = x\n",
            },
            "pip install --editable .[testing]",
        ),
        ({"pyproject.toml": SETUPTOOLS, "setup.cfg": "[flake8]\n"}, ""),
        (
            {"setup.py": "setup(tests_require=['pytest>=7'], extras_require={'docs': ['x']})"},
            "pip install --editable . pytest>=7",
        ),
        (
            {"setup.py": "more = {'dev': ['x'], 'dev:os_name': ['y']}\nsetup(extras_require=more)"},
            "pip install --editable .[dev]",
        ),
        (
            {"Pipfile": '[packages]\nsix = "*"\n[dev-packages]\npytest = ">=7"\n'},
            "pip install six pytest>=7",
        ),
        (
            {"requirements.txt": "six\n", "requirements-dev.txt": "x\n", "docs-reqs.txt": "y"},
            "pip install --requirements requirements.txt --requirements requirements-dev.txt",
        ),
        (
            {f"reqs/{name}.txt": "x\n" for name in ("production", "test")}
            | {"requirements/base.txt": "six\n", "requirements/production.txt": ""},
            "pip install --requirements requirements/base.txt --requirements reqs/test.txt",
        ),
        ({"tests/requirements.txt": "x\n"}, "pip install --requirements tests/requirements.txt"),
        (
            {"tox.ini": "[testenv]\ndeps =\n  pytest>=7 # runner\n  py27: old\n  {[base]deps}\n"
             "  -r{toxinidir}/more.txt\n  -e .\n  {posargs}\n[base]\ndeps = six\n",
             "more.txt": "x"},
            "pip install --requirements more.txt pytest>=7 six",
        ),
        (
            {"tox.ini": "[testenv]\ndeps = old\n", "requirements-test.txt": "pytest"},
            "pip install --requirements requirements-test.txt",
        ),
        (
            {"pyproject.toml": '[tool.tox.env_run_base]\ndeps = ["pytest"]\n'},
            "pip install pytest",
        ),
        (
            {"pyproject.toml": '[tool.hatch.envs.test]\ndependencies = ["pytest"]\n'},
            "pip install pytest",
        ),
        (
            {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'
             '[project.optional-dependencies]\ntests = ["a"]\ndocs = ["b"]\n'
             '[dependency-groups]\ntesting = ["c"]\n'},
            "pip install --requirements pyproject.toml --extra=tests --group=testing",
        ),
        (
            {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\n', "requirements.txt": "six"},
            "pip install --requirements pyproject.toml --requirements requirements.txt",
        ),
        (
            {"uv.lock": "", "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'
             '[project.optional-dependencies]\ntest = ["a"]\n'},
            "sync --frozen --inexact --extra=test",
        ),
        ({"app.py": ""}, ""),
        ({"Pipfile": "[packages\n", "setup.py": "def (", "tox.ini": "deps"}, "pip install -e ."),
    ],
)  # fmt: skip
def test_what_a_tests_stage_installs(project, files, said):
    assert words(project(files)) == said.replace(" -e ", " --editable ")


def test_what_ships_gets_nothing_for_tests(project):
    folder = project({"pyproject.toml": POETRY + GROUP, "requirements-dev.txt": "x"})
    assert words(folder, FREEZE) == "pip install six>=1.16,<2"


def test_a_key_of_the_stage_ends_the_looking(project):
    folder = project({"requirements.txt": "six", "requirements-dev.txt": "x", "other.txt": "y"})
    assert words(folder, TestsStage(uses="tests", groups=())) == (
        "pip install --requirements requirements.txt"
    )
    assert words(folder, TestsStage(uses="tests", requirements=("other.txt",))) == (
        "pip install --requirements other.txt"
    )


def test_a_lock_of_poetry_or_pipenv_decides_the_versions(project):
    packages = '[[package]]\nname = "six"\nversion = "1.16.0"\n[[package]]\nname = "two"\n'
    lock = packages + 'version = "1"\n[[package]]\nname = "two"\nversion = "2"\n'
    folder = project({"pyproject.toml": POETRY, "poetry.lock": lock})
    assert make_plan(folder, TESTS).constraints == ("six==1.16.0",)
    (folder / "poetry.lock").write_text("[[package")
    assert make_plan(folder, TESTS).constraints == ()
    (folder / "Pipfile.lock").write_text('{"default": {"six": {"version": "==1.15.0"}}, "x": 1}')
    assert make_plan(folder, TESTS).constraints == ("six==1.15.0",)


def test_a_sentence_names_what_was_looked_at(project):
    folder = project({"requirements-dev.txt": "x", "Pipfile": '[packages]\nsix = "*"\n'})
    told = "installed: [packages] of Pipfile, requirements-dev.txt"
    assert make_plan(folder, TESTS).told == told
    bare = project({"app.py": ""})
    for path in (*bare.glob("*.txt"), bare / "Pipfile"):
        path.unlink()
    assert "nothing is installed: no requirement was found in pyproject.toml (" in (
        make_plan(bare, TESTS).told
    )


def test_the_deciding_files_are_in_the_key(project):
    folder = project({"Pipfile": "", "tox.ini": "", "requirements/dev.txt": "x"})
    names = {path.relative_to(folder).as_posix() for path in make_plan(folder, TESTS).files}
    assert names == {"Pipfile", "tox.ini", "requirements/dev.txt"}


def test_a_link_out_of_the_project_is_not_read(project, tmp_path):
    folder = project({"app.py": ""})
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    (folder / "requirements-dev.txt").symlink_to(secret)
    assert words(folder) == ""


@pytest.mark.parametrize(
    ("text", "package"),
    [(POETRY, False), (POETRY + CORE, True), (SETUPTOOLS, False), ("", False)],
)
def test_a_package_is_what_can_be_built(project, text, package):
    folder = project({"pyproject.toml": text})
    assert is_package(folder, read_pyproject(folder)) is package


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "there"),
    [
        ({"pyproject.toml": POETRY + GROUP.replace("pytest", "iniconfig").replace("^8", "^2")},
         {"six", "iniconfig"}),
        ({"pyproject.toml": POETRY + CORE, "small/__init__.py": ""}, {"small", "six"}),
        ({"pyproject.toml": SETUPTOOLS, "small.py": "", "setup.cfg": "[metadata]\nname = small\n"
          "[options]\npy_modules = small\ninstall_requires = six\n"}, {"small", "six"}),
        ({"Pipfile": '[packages]\nsix = "*"\n[dev-packages]\niniconfig = "~=2.0"\n',
          "Pipfile.lock": '{"default": {"six": {"version": "==1.16.0"}}}'}, {"six", "iniconfig"}),
        ({"tox.ini": "[testenv]\ndeps = six\n"}, {"six"}),
    ],
)  # fmt: skip
def test_it_is_really_installed(project, tmp_path, recorder, files, there):
    folder = project(files)
    made = prepare(folder, TESTS, tmp_path / "cache", recorder)
    assert there <= set(made.versions)
    if "Pipfile.lock" in files:
        assert made.versions["six"] == "1.16.0"
