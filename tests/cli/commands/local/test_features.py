"""`slipway features` as it is typed."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.slow


FEATURE = """
    Feature: Sums
      Scenario: right
        Given 1 and 1 make 2

      @javascript
      Scenario: tagged
        Given 1 and 1 make 2

      @wrong
      Scenario: wrong
        Given 1 and 1 make 3
"""
STEPS = """
    from behave import given

    @given("{a:d} and {b:d} make {c:d}")
    def make(context, a, b, c):
        assert a + b == c
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "features" / "steps").mkdir(parents=True)
    (tmp_path / "features" / "sums.feature").write_text(textwrap.dedent(FEATURE))
    (tmp_path / "features" / "steps" / "sums.py").write_text(textwrap.dedent(STEPS))
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "sums"\nversion = "1"\n')
    return tmp_path


def features(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "slipway.cli", "features", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_as_a_developer_types_it(project):
    good = features(project, "--tags=~@javascript", "--tags", "~@wrong")
    assert (good.returncode, good.stderr) == (0, ""), good.stdout
    assert "1 scenario: 1 passed" in good.stdout
    assert (project / ".slipway" / "features" / "output" / "features.html").is_file()
    bad = features(project)
    assert bad.returncode == 1
    assert "2 passed, 1 failed: features/sums.feature:11 wrong" in bad.stdout
    one = features(project, "features/sums.feature:3", "--output", "kept")
    assert one.returncode == 0
    assert (project / "kept" / "tests.json").is_file()
    away = features(project.parent, "--source", project.name, "--tags=~@wrong", "--output", "out")
    assert away.returncode == 0, away.stdout
    assert (project.parent / "out" / "tests.json").is_file()
    assert "Traceback" not in good.stdout + one.stdout + good.stderr + bad.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shard", "3/2"], '--shard "3/2" is none; write which part of how many, such as 1/3'),
        (["--jobs", "0"], '--jobs "0" is not allowed: input should be greater than or equal to 1'),
        (["--retries", "x"], '--retries "x" is not allowed: input should be a valid integer'),
        (["--browser", "lynx"], "--browser \"lynx\" is not allowed: input should be 'chromium'"),
        (["--source", "nowhere"], "--source nowhere is no folder; name the project"),
        (["--profile", "x"], 'the profile "x" is not in [tool.slipway.features.profiles]'),
        (["--seed", "shop.sqlite"], '--seed "shop.sqlite" is not NAME=FILE; write such as shop='),
        (["--seed", "shop="], '--seed "shop=" is not NAME=FILE'),
        (["--seed", "shop=gone.sqlite"], "gone.sqlite cannot be read: No such file or directory"),
        (["--seed", "shop=features"], "features cannot be read: Is a directory; name a file"),
        (["--seed", "shop=pyproject.toml"], "pyproject.toml is neither an SQLite database nor a"),
        (["--base-url", "here"], '--base-url "here" is not allowed: string should match pattern'),
    ],
)
def test_wrong_words_are_told(project, words, told):
    done = features(project, *words)
    assert done.returncode == 2
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_features_is_told_before_anything_is_made(tmp_path):
    done = features(tmp_path)
    assert done.returncode == 2
    told = f'there is no "features" in {tmp_path}; name the folder of your features'
    assert (done.stdout + done.stderr).splitlines() == [told]
    assert list(tmp_path.iterdir()) == []


SERVED = """
    import http.server, sqlite3, sys

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with sqlite3.connect(sys.argv[2]) as db:
                if self.path == "/sell":
                    db.execute("DELETE FROM book")
                found = str(db.execute("SELECT count(*) FROM book").fetchone()[0])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.encode())

        def log_message(self, *args):
            pass

    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ASKING = """
    import os, sqlite3, urllib.request
    from behave import then

    @then("{path} shows {count}")
    def shows(context, path, count):
        with urllib.request.urlopen(os.environ["SLIPWAY_BASE_URL"] + path, timeout=10) as answer:
            assert answer.read().decode() == count
        with sqlite3.connect(os.environ["SLIPWAY_DATABASE_SHOP"]) as db:
            assert db.execute("SELECT count(*) FROM book").fetchone() == (int(count),)
"""


def test_named_seeds_are_copied_and_left_alone(project):
    (project / "served.py").write_text(textwrap.dedent(SERVED))
    (project / "features" / "steps" / "sums.py").write_text(textwrap.dedent(ASKING))
    (project / "features" / "sums.feature").write_text(
        "Feature: F\n  Scenario: S\n    Then / shows 2\n    Then /sell shows 0\n"
    )
    told = 'command = ["python", "served.py", "{port}", "{database:shop}"]\n'
    with (project / "pyproject.toml").open("a") as file:
        file.write(f"[tool.slipway.features]\n{told}")
    for name in ("first", "second"):
        with contextlib.closing(sqlite3.connect(project / f"{name}.db")) as db:
            db.executescript("CREATE TABLE book (name); INSERT INTO book VALUES ('a'), ('b');")
    twice = features(project, "--seed", "shop=first.db", "--seed", "shop=second.db")
    assert twice.returncode == 2
    assert 'there is a seed "shop" already' in twice.stdout + twice.stderr
    for _ in range(2):
        done = features(project, "--seed", "shop=first.db", "--seed", "stock=second.db")
        assert done.returncode == 0, done.stdout + done.stderr
    without = features(project)
    assert without.returncode == 2
    assert "the seeds are: none" in without.stdout + without.stderr


def test_other_commands_take_no_words_they_do_not_know(place):
    code, _, err = place.slipway("check", "--tags=x")
    assert code == 2
    assert "there is no option --tags" in err


@pytest.mark.parametrize("words", [["--version"], ["--lang-list"], ["--tags-help"], ["--dry-run"]])
def test_a_question_to_behave_ends_as_behave_ends(project, words):
    asked = features(project, *words)
    plain = subprocess.run(
        [sys.executable, "-m", "behave", *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == plain.returncode == 0
    last = [line for line in plain.stdout.splitlines() if line.strip()]
    assert last[0] in asked.stdout
    assert not (project / ".slipway/features/output").exists()


def test_a_double_dash_before_behaves_arguments(project):
    good = features(project, "--jobs", "1", "--", "--tags=~@wrong")
    assert good.returncode == 0, good.stdout
    assert "2 scenarios: 2 passed" in good.stdout


def test_extras_and_groups_are_installed(project):
    table = '[project]\nname = "sums"\nversion = "1"\n[project.optional-dependencies]\n'
    groups = 'more = ["iniconfig"]\n[dependency-groups]\nown = ["six"]\n'
    (project / "pyproject.toml").write_text(table + groups)
    steps = project / "features/steps/sums.py"
    steps.write_text("import iniconfig, six\n" + steps.read_text())
    bad = features(project, "--tags=~@wrong")
    assert bad.returncode == 2
    assert "iniconfig" in bad.stdout + bad.stderr
    good = features(project, "--extras", "more", "--groups", "own", "--tags=~@wrong")
    assert good.returncode == 0, good.stdout
    wrong = features(project, "--groups", "none-such")
    assert wrong.returncode == 2
    assert 'no dependency group "none-such"; there are: own' in wrong.stderr
