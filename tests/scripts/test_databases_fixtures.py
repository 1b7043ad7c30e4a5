"""What is wrong with a fixture is told in one sentence, by file and line, for both databases."""

import shutil
from pathlib import Path

import pytest

from slipway.model.event import Progress

from .conftest import MODELS, build, fail

# Files to write, and what is said for SQLite (then for PostgreSQL, if it is told otherwise).
BAD = {
    "unknown column": (
        {"maker.csv": "id,nmae\n1,a\n"},
        'seed/maker.csv:1: table "maker" has no column "nmae"; did you mean "name"?',
    ),
    "missing column": (
        {"maker.csv": "id,founded\n1,\n"},
        'seed/maker.csv:1: column "name" of table "maker" is missing; it must not be NULL',
    ),
    "missing key": (
        {"maker.jsonl": '{"id": 1, "name": "a"}\n{"id": 2}\n'},
        'seed/maker.jsonl:2: column "name" of table "maker" is missing',
    ),
    "empty but needed": (
        {"maker.csv": "id,name\n1,a\n2,\n"},
        'seed/maker.csv:3: column "name" is empty, but must not be NULL',
    ),
    "date": (
        {"maker.csv": "id,name,founded\n1,a,\n2,b,2024-13-01\n"},
        'seed/maker.csv:3: column "founded": "2024-13-01" is not a date such as 2024-12-31',
    ),
    "integer": (
        {"maker.csv": "id,name\nx1,a\n"},
        'seed/maker.csv:2: column "id": "x1" is not a whole number such as 42',
    ),
    "quotes before": (
        {"maker.csv": 'id,name\n1,"a\nb"\nx1,a\n'},
        'seed/maker.csv:4: column "id": "x1" is not a whole number such as 42',
    ),
    "too long": (
        {"maker.csv": f"id,name\n1,{'x' * 41}\n"},
        None,
        f'seed/maker.csv:2: column "name": "{"x" * 41}" is not a text of at most 40 characters',
    ),
    "fields": (
        {"maker.csv": "id,name\n1,a\n2,b,c\n"},
        "seed/maker.csv:3: has 3 fields, but the header names 2 columns (id, name)",
    ),
    "duplicate": (
        {"maker.csv": "id,name\n1,a\n2,b\n1,c\n"},
        'seed/maker.csv:4: id "1" is there already; it must be unique',
    ),
    "duplicate in rows": (
        {"maker.jsonl": '{"id": 1, "name": "a"}\n\n{"id": 2, "name": "a"}\n'},
        'seed/maker.jsonl:3: name "a" is there already; it must be unique',
    ),
    "foreign key": (
        {
            "maker.csv": "id,name\n1,a\n",
            "item.csv": "id,maker_id,name,active\n1,1,x,t\n2,99,y,t\n",
        },
        'seed/item.csv:3: maker_id "99" is not in table "maker"; add that row there',
    ),
    "not UTF-8": ({"maker.csv": b"id,name\n1,\xe9\n"}, "seed/maker.csv:2: byte 0xe9 is not UTF-8"),
    "no table": (
        {"makers.csv": "id\n"},
        'seed/makers.csv: there is no table "makers"; did you mean "maker"?',
    ),
    "empty file": ({"maker.csv": ""}, "seed/maker.csv: the file is empty"),
    "number as text": (
        {"maker.yaml": "- {id: 1, name: 0123}\n"},
        'seed/maker.yaml:1: column "name": "83" is not a text of at most 40 characters; put a text',
    ),
    "enum": (
        {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name,colour\n1,1,x,BLUE\n"},
        'seed/item.csv:2: column "colour": "BLUE" is not one of RED, GREEN',
    ),
    "enum without a type": (
        {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name,size\n1,1,x,HUGE\n"},
        'seed/item.csv:2: column "size": "HUGE" is not one of SMALL, LARGE',
    ),
    "sql": (
        {"x.sql": "SELECT 1;\n\nINSERT INTO nobody VALUES (1);\n"},
        "seed/x.sql:3: SQLite says: no such table: nobody",
        'seed/x.sql:3: PostgreSQL says: relation "nobody" does not exist',
    ),
}


def write(app: Path, files) -> None:
    shutil.rmtree(app / "seed")
    (app / "seed").mkdir()
    for name, content in files.items():
        (app / "seed" / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("known_models")
def test_bad_fixtures_are_told_in_one_sentence(app, tmp_path, recorder, given, case, target):
    files, *sentences = BAD[case]
    sentence = sentences[-1] if target == "postgresql" else sentences[0]
    if sentence is None:
        pytest.skip("SQLite has no such rule")
    write(app, files)
    settings = {"metadata": MODELS, "fixtures": "seed/*", "targets": [target], **given}
    assert fail(tmp_path, recorder, **settings).startswith(sentence)


@pytest.mark.slow
@pytest.mark.usefixtures("known_models")
@pytest.mark.parametrize("case", ["duplicate", "date", "foreign key", "fields", "sql"])
def test_a_bad_fixture_ends_both_databases_at_once(app, tmp_path, recorder, given, case):
    files, sentence, *_ = BAD[case]
    write(app, files)
    said = fail(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", **given)
    assert said.startswith(sentence)


@pytest.mark.usefixtures("known_models")
def test_a_type_decorator_is_told(app, tmp_path, recorder, models_read):
    models = app / "shop" / "models.py"
    code = "\n\nclass Loud(TypeDecorator):\n    impl = String\n    cache_ok = True\n\n\n"
    changed = models.read_text().replace("\n\nclass Base", f"{code}class Base", 1)
    changed = changed.replace("    Uuid,\n", "    Uuid,\n    TypeDecorator,\n")
    models.write_text(changed.replace("mapped_column(String(80))", "mapped_column(Loud)"))
    write(app, {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name\n1,1,x\n"})
    models_read.clear()
    build(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["sqlite"])
    models_read.clear()
    assert recorder.notices[0].startswith("seed/item.csv: item.name has a TypeDecorator")


def test_a_bad_run_keeps_nothing_of_an_earlier_work_folder(app, tmp_path, recorder):
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "stale").touch()
    write(app, {"maker.csv": "id\n1\n"})
    fail(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["sqlite"])


def test_the_count_in_a_line_is_of_the_file_it_names(app, tmp_path, recorder):
    build(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["sqlite"])
    told = [event.text for event in recorder.of(Progress) if event.text.endswith(" rows")]
    found = {line.rpartition(": ")[0]: int(line.split()[-2]) for line in told}
    assert found == {
        "seed/01_maker.csv": 3,
        "seed/maker.yaml": 2,
        "seed/item.csv": 3,
        "seed/tag.jsonl": 3,
    }
