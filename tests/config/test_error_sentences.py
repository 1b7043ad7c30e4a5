"""Every kind of error in pipeline.toml: its line, its key, its sentence."""

import pytest

from slipway.config import ConfigProblems, parse, read
from slipway.model.errors import WrongInput

STAGE = "project.almanac.stages.tests"


def test_a_good_file_is_a_site(good):
    site = parse(good)
    assert list(site.project["almanac"].stages) == ["tests", "pack"]
    assert site.workers["local"].labels == ("linux",)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("[site]", "[site", "1: not TOML: expected ']'", id="syntax"),
        pytest.param(
            'uses = "tests"', 'uses = "tests"\nuses = 3', "9: not TOML: cannot ", id="twice"
        ),
        pytest.param('"linux"]', '"linux"', "15: not TOML: ", id="unclosed list"),
        pytest.param("title", "titel", '2: site.titel: unknown key "titel". Did you mean "title"?'),
        pytest.param(
            "[site]", "[siet]", '1: siet: unknown key "siet". Did you mean "site"?', id="top"
        ),
        pytest.param(
            "[site]",
            "[quiet]",
            '1: quiet: unknown key "quiet". Allowed: $schema, access, notify, people, project, '
            "site, workers.",
            id="nothing close",
        ),
        pytest.param(
            'repository = "r"',
            'repository = "r"\nbranch = ["main"]',
            '6: project.almanac.branch: unknown key "branch". Did you mean "branches"?',
        ),
        pytest.param(
            'needs = ["tests"]',
            'needs = ["tests"]\nformat = ["zip"]',
            '13: project.almanac.stages.pack.format: unknown key "format". Did you mean "formats"?',
        ),
        pytest.param(
            "labels",
            "lables",
            '15: workers.local.lables: unknown key "lables". Did you mean "labels"?',
        ),
        pytest.param(
            "title", "runs_on", '2: site.runs_on: unknown key "runs_on". Allowed: ', id="allowed"
        ),
        pytest.param(
            'repository = "r"',
            "",
            "4: project.almanac.repository: is missing; it cannot be guessed, write it down",
        ),
        pytest.param(
            'repository = "r"',
            'repository = ""',
            '5: project.almanac.repository: "" cannot be a repository: it has 0 letters, and may',
        ),
        pytest.param('title = "Almanac"', "title = 3", "2: site.title: 3 is not allowed: input sh"),
        pytest.param(
            'title = "Almanac"',
            'url = "localhost"',
            '2: site.url: "localhost" does not fit ^https?://[^/\\s]+/$ (such as "http://localhost:',
        ),
        pytest.param(
            'repository = "r"',
            'repository = "r"\npoll = "often"',
            "6: project.almanac.poll: 'often' is no duration; write seconds, or text such as",
        ),
        pytest.param(
            'repository = "r"',
            'repository = "r"\npoll = "61 * * * *"',
            '6: project.almanac.poll: "61 * * * *" is no cron line; an example: "0 */12 * * *"',
        ),
        pytest.param(
            'repository = "r"',
            'repository = "r"\nbranches = ["a", "b", "a"]',
            "6: project.almanac.branches: names a branch more than once",
        ),
        pytest.param(
            'needs = ["tests"]',
            'needs = ["test"]',
            '12: project.almanac.stages.pack.needs: unknown stage "test"; there are tests, pack. '
            'Did you mean "tests"?',
        ),
        pytest.param(
            'needs = ["tests"]',
            'needs = ["tests", "tests"]',
            "12: project.almanac.stages.pack.needs: names tests more than once",
        ),
        pytest.param(
            'needs = ["tests"]',
            'needs = ["pack"]',
            "12: project.almanac.stages.pack.needs: the needs go round in a circle: pack -> pack; "
            "take one of them out",
        ),
        pytest.param(
            'needs = ["tests"]',
            "",
            '10: project.almanac.stages.pack: "archive" works on what other stages leave; name',
        ),
        pytest.param(
            'labels = ["linux"]',
            'password = { env = "A", file = "b" }',
            '15: workers.local.password: write one place: { env = "NAME" }',
        ),
        pytest.param(
            "[workers.local]",
            '[workers."Big One"]',
            '14: workers."Big One": "Big One" does not fit ^[a-z][a-z0-9_-]*$ (lower-case letters,',
        ),
        pytest.param(
            "[project.almanac]",
            "[project.Almanac]",
            '4: project.Almanac: "Almanac" does not fit ^[a-z][a-z0-9_-]*$ (lower-case letters,',
        ),
        pytest.param(
            'labels = ["linux"]',
            'lanes = ["bulk", "fast"]',
            '15: workers.local.lanes[1]: "fast" is not allowed; allowed: "interactive", "default", '
            '"bulk".',
        ),
        pytest.param(
            'needs = ["tests"]',
            'needs = ["tests"]\nenv = { "A=B" = "x" }',
            '13: project.almanac.stages.pack.env: "A=B" cannot be an environment variable: no "="',
        ),
        pytest.param(
            'labels = ["linux"]',
            'password = "hunter2"',
            '15: workers.local.password: write where it is kept: { env = "NAME" }, { file = "p',
        ),
        pytest.param(
            "[workers.local]",
            '[notify.team]\nkind = "apprise"\nurl = "slack://hunter2"\n[workers.local]',
            '16: notify.team.url: write where it is kept: { env = "NAME" }, { file = "path" } or',
        ),
        pytest.param(
            "[workers.local]",
            '[notify.mail]\nkind = "email"\nhost = "h"\nsender = "a@b"\nuser = "a"\n'
            "password = { env = 12 }\n[workers.local]",
            '19: notify.mail.password.env: write where it is kept: { env = "NAME" }, { file = "',
        ),
        pytest.param(
            'repository = "r"',
            'repository = "r"\npoll = "0 0 30 2 *"',
            '6: project.almanac.poll: "0 0 30 2 *" never comes: no month has such a day',
        ),
        pytest.param(
            'title = "Almanac"',
            'title = "Almanac"\nworker-port = 8010',
            "1: site: worker-port and the web UI cannot share port 8010; write another worker-port",
        ),
        pytest.param(
            "[project.almanac]",
            "[projects.almanac]",
            '4: projects: unknown key "projects". Did you mean "project"?',
        ),
        pytest.param(
            'labels = ["linux"]',
            "max-builds = 99",
            "15: workers.local.max-builds: 99 is not allowed: input should be less than",
        ),
    ],
)
def test_what_is_wrong_is_told(good, problems, old, new, told):
    assert old in good
    found = problems(good.replace(old, new, 1))
    assert any(line.startswith(told) for line in found), found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('lane = "fast"', '"fast" is not allowed; allowed: "interactive", "default", "bulk".'),
        ('lane = "defualt"', 'Did you mean "default"?'),
        ('timeout = "soon"', "'soon' is no duration; write seconds"),
        ("timeout = 0", "0 must be longer than zero"),
        ("timeout = nan", "nan is no duration"),
        ('manual = "maybe"', '"maybe" is not allowed: input should be a valid boolean'),
        ("timeout = 2026-11-20", "is no duration"),
        ('runs-on = ["lunix"]', 'no worker has the label "lunix"; the workers\' labels are linux.'),
        ('runs-on = ["lunix"]', 'Did you mean "linux"?'),
        ('"runs on" = []', '"runs on": unknown key "runs on". Did you mean "runs-on"?'),
        ("env = { A = 1 }", ".env.A: 1 is not allowed: input should be a valid string"),
        ("env.A = 1", ".env.A: 1 is not allowed: input should be a valid string"),
        ('suites = [{ runner = "nose" }]', '.suites[0].runner: "nose" is not allowed; allowed: '),
        ('suites = [{ runner = "nose" }]', 'Did you mean "nose2"?'),
        ("suites = [{}]", ".suites[0].runner: is missing"),
        ('suites = [{ runner = "pytest", args = [] }]', 'unknown key "args". '),
    ],
)
def test_what_is_wrong_in_a_stage_is_told_at_its_line(good, problems, line, told):
    (found,) = problems(good.replace('uses = "tests"', f'uses = "tests"\n{line}'))
    assert found.startswith(f"9: {STAGE}")
    assert told in found


def test_an_unknown_kind_is_told(good, problems):
    (found,) = problems(good.replace('uses = "tests"', 'uses = "test"'))
    told = f'{STAGE}.uses: unknown kind of stage: "test" is not allowed; allowed: "archive", '
    assert told in found
    assert found.endswith('Did you mean "tests"?')


def test_an_unknown_kind_is_told_at_its_line(good, problems):
    (found,) = problems(good.replace('uses = "tests"', 'lane = "bulk"\nuses = "test"'))
    assert found.startswith(f"9: {STAGE}.uses: ")


def test_a_stage_without_a_kind_is_told(good, problems):
    (found,) = problems(good.replace('uses = "tests"', ""))
    assert found.startswith(f'7: {STAGE}: uses is missing; write what the stage does: "archive", ')


def test_nothing_at_all_is_told(problems):
    assert problems("") == [
        "1: project: is missing; it cannot be guessed, write it down",
        "1: workers: is missing; it cannot be guessed, write it down",
    ]


def test_everything_is_told_at_once_and_by_line(good, problems):
    bad = (
        good.replace("title", "titel")
        .replace('"r"', "3")
        .replace('uses = "tests"', 'uses = "tests"\ntimeout = "soon"\nlane = "fast"')
        .replace('needs = ["tests"]', 'needs = ["test"]\nruns-on = ["arm"]')
    )
    found = problems(bad)
    assert [int(line.split(":")[0]) for line in found] == [2, 5, 9, 10, 14, 15]


def test_the_same_is_told_once(good, problems):
    found = problems(good.replace('needs = ["tests"]', 'needs = ["nowhere", "nowhere"]'))
    assert len(found) == len(set(found)) == 1


def test_needs_that_are_no_list_are_told_once(good, problems):
    (found,) = problems(good.replace('needs = ["tests"]', 'needs = "tests"'))
    assert found.startswith("12: project.almanac.stages.pack.needs: ")


def test_a_bad_database_is_not_told_as_a_bad_name(good, problems):
    (found,) = problems(good.replace('title = "Almanac"', 'database = "mysql://x/y"'))
    assert "lower-case letters" not in found


def test_an_unknown_key_of_a_password_is_told_with_what_is_allowed(good, problems):
    (found,) = problems(good.replace('labels = ["linux"]', 'password = { enw = "A" }'))
    assert "Did you mean" in found


def test_poll_takes_a_number_of_seconds_as_every_duration_does(good):
    assert parse(good.replace('"r"', '"r"\npoll = 43200')).project["almanac"].poll


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('needs = ["tests"]', 'needs = ["tests"]\nformats = "zip"'),
        ('labels = ["linux"]', 'password = "secret"'),
        ("[workers.local]", "[workers]\nlocal = 3\n[project.x]"),
    ],
)
def test_sentences_speak_toml_and_not_python(good, problems, old, new):
    told = "\n".join(problems(good.replace(old, new)))
    assert not [word for word in ("tuple", "dictionary", "instance of") if word in told]


def test_the_path_of_a_problem_can_be_pasted(good, problems):
    (found,) = problems(good.replace('"tests"\n\n', '"tests"\nenv = { "A B.C" = 1 }\n\n'))
    assert f'{STAGE}.env."A B.C": 1 is not allowed' in found


def test_a_file_may_begin_with_a_byte_order_mark(good, tmp_path):
    file = tmp_path / "pipeline.toml"
    file.write_bytes(b"\xef\xbb\xbf" + good.encode())
    assert read(file) == parse(good)


def test_a_file_is_called_by_its_name(good, tmp_path):
    file = tmp_path / "other.toml"
    file.write_text(good.replace("title", "titel"), "utf-8")
    with pytest.raises(ConfigProblems, match=r"^other\.toml:2: site\.titel: "):
        read(str(file))


def test_a_file_that_is_not_utf8_is_told(good, tmp_path):
    file = tmp_path / "pipeline.toml"
    file.write_bytes(good.replace("Almanac", "Alman\u00e4c").encode("latin-1"))
    with pytest.raises(WrongInput, match=r"pipeline\.toml: is not UTF-8 at byte \d+; save it as"):
        read(file)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(WrongInput, match=r"nowhere\.toml is not there; write one"):
        read(tmp_path / "nowhere.toml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(WrongInput, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_problems_are_wrong_input(good):
    with pytest.raises(WrongInput) as caught:
        parse(good.replace("title", "titel"))
    assert caught.value.exit_code == 2
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (2, "site.titel")
