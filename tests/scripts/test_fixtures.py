"""Reading fixtures: rows, lines, and one sentence for each thing that can be wrong."""

from pathlib import Path

import pytest

from slipway.model.errors import WrongInput
from slipway.scripts import fixtures, fixtures_csv
from slipway.scripts.fixtures import Fixture
from slipway.scripts.seed_tables import Column, Table, loading_order

PEOPLE = Table("people", None, (Column("id", "integer"), Column("name", "string")))


def make(folder: Path, name: str, content: bytes | str) -> Fixture:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Fixture(path, name, PEOPLE)


def rows(fixture: Fixture, **options) -> list[tuple]:
    return [
        row
        for batch in fixtures.read(fixture, **options)
        for row in zip(*batch.columns, strict=True)
    ]


def raws(fixture: Fixture, **options) -> list[bytes | None]:
    return [batch.raw for batch in fixtures.read(fixture, **options)]


def test_csv_is_passed_on_as_it_is(tmp_path):
    fixture = make(tmp_path, "people.csv", "\ufeffid,name\n1,Ann\n2,Bö\n")
    assert rows(fixture) == [("1", "Ann"), ("2", "Bö")]
    assert raws(fixture) == ["1,Ann\n2,Bö\n".encode()]


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        ("id,name\r\n1,Ann\r\n", b"1,Ann\n"),
        ("id,name\n1,Ann", b"1,Ann\n"),
        ('id,name\r\n1,"A\r\nb"\r\n', None),
        ("id,name\n1,Ann\n\n", None),
        ("id,name\n1,\\.\n", None),
        ('id,name\n1,"A ""b"" c"\n', b'1,"A ""b"" c"\n'),
    ],
)
def test_csv_that_postgresql_reads_otherwise_is_not_passed_on(tmp_path, content, raw):
    fixture = make(tmp_path, "people.csv", content)
    assert raws(fixture) == [raw]
    assert len(rows(fixture)) == 1


def test_blocks_end_at_records(tmp_path, monkeypatch):
    monkeypatch.setattr(fixtures_csv, "BLOCK", 16)
    written = [(str(n), f'a "{n}"\n, b' if n % 3 == 0 else "c" * (n % 7)) for n in range(200)]
    lines = [f'{n},"{name.replace(chr(34), chr(34) * 2)}"\n' for n, name in written]
    fixture = make(tmp_path, "people.csv", "id,name\n" + "".join(lines))
    assert rows(fixture) == written
    record, line = 0, 2
    for text in lines:
        assert fixtures.line_of(fixture, record) == line
        record, line = record + 1, line + text.count("\n")
    batches = list(fixtures.read(fixture))
    assert [batch.first for batch in batches] == [
        sum(b.size for b in batches[:n]) for n in range(len(batches))
    ]
    assert all(batch.line == fixtures.line_of(fixture, batch.first) for batch in batches)


def test_unparsed_csv_has_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(fixtures_csv, "BLOCK", 64)
    content = "id,name\n" + "".join(f"{n},name {n}\n" for n in range(100)) + '100,"q"\n'
    fixture = make(tmp_path, "people.csv", content)
    assert b"".join(raws(fixture, parse=False)) == b"".join(raws(fixture))
    assert sum(batch.size for batch in fixtures.read(fixture, parse=False)) == 101


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("p.csv", "id,name\n1,Ann\n2\n", "p.csv:3: has 1 fields, but the header names 2 columns"),
        ("p.csv", b"id,name\n1,\xe9\n", "p.csv:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("p.csv", "id,name\n1,a\0b\n", "p.csv:2: holds a NUL character"),
        ("p.csv", 'id,name\n1,a"b"\n', "p.csv:2: a quote inside a field"),
        ("p.csv", 'id,name\n1,x\n2,"a"b\n', "p.csv:3: ',' expected after '\"'"),
        ("p.csv", 'id,name\n1,x\n2,"ab\n', "p.csv:3: a quoted field is not closed"),
        ("p.csv", "\n1,2\n", "p.csv:1: the first line must name the columns"),
        ("p.csv", "id,id\n1,2\n", 'p.csv:1: column "id" is named twice'),
        ("p.jsonl", '{"id": 1}\n{"id": }\n', "p.jsonl:2: is no JSON: Expecting value"),
        ("p.jsonl", '{"id": 1}\n[1]\n', 'p.jsonl:2: must be an object such as {"id": 1}'),
        ("p.jsonl", b'{"id": "\xff"}\n', "p.jsonl:1: byte 0xff is not UTF-8"),
        ("p.yaml", "- id: 1\n- [1]\n", 'p.yaml:2: must be a row such as "- id: 1"'),
        ("p.yaml", "id: 1\n", "p.yaml:1: must be a list of rows"),
        ("p.yaml", "- id: [1\n", "p.yaml:2: is no YAML: "),
        ("p.yml", b"- id: \xff\n", "p.yml:1: byte 0xff is not UTF-8"),
    ],
)
def test_bad_files(tmp_path, name, content, sentence):
    fixture = make(tmp_path, name, content)
    with pytest.raises(WrongInput) as caught:
        rows(fixture)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_json_lines_with_other_keys_are_other_batches(tmp_path):
    content = '{"id": 1, "name": "a"}\n\n{"id": 2}\n{"id": 3}\n'
    fixture = make(tmp_path, "people.jsonl", content)
    found = [(b.names, list(zip(*b.columns, strict=True)), b.line) for b in fixtures.read(fixture)]
    assert found == [(("id", "name"), [(1, "a")], 1), (("id",), [(2,), (3,)], 3)]
    assert fixtures.line_of(fixture, 2) == 4


def test_yaml_rows_know_their_lines(tmp_path):
    fixture = make(tmp_path, "people.yaml", "# first\n- id: 1\n  name: a\n- {id: 2, name: b}\n")
    assert rows(fixture) == [(1, "a"), (2, "b")]
    assert [fixtures.line_of(fixture, n) for n in (0, 1)] == [2, 4]


def test_files_are_found_once_and_in_order(tmp_path):
    for name in ("b.csv", "a.csv", "c.sql"):
        make(tmp_path, name, "id\n")
    found = fixtures.find(tmp_path, ("c.*", "*.csv", "a.csv"))
    assert [path.name for path in found] == ["c.sql", "a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("seed/*.csv", 'fixtures: no file matches "seed/*.csv"'),
        ("../*.csv", 'fixtures: "../*.csv" leaves the project'),
        ("*.txt", 'note.txt: ".txt" is no kind of fixture; there are .csv'),
        ("empty.csv", "empty.csv: the file is empty"),
    ],
)
def test_bad_patterns(tmp_path, pattern, sentence):
    make(tmp_path, "note.txt", "x")
    make(tmp_path, "empty.csv", "")
    with pytest.raises(WrongInput) as caught:
        fixtures.find(tmp_path, (pattern,))
    assert str(caught.value).startswith(sentence)


def test_a_file_is_named_like_its_table(tmp_path):
    tables = {"people": PEOPLE, "audit.log": Table("log", "audit", ())}
    for name in ("01_people.csv", "people.sqlite.sql", "audit.log.csv", "log.yaml"):
        make(tmp_path, name, "id\n")
    found, scripts = fixtures.match(sorted(tmp_path.iterdir()), tmp_path, tables)
    assert [fixture.table.full_name for fixture in found] == ["people", "audit.log", "audit.log"]
    assert [script.dialect for script in scripts] == ["sqlite"]


def test_a_table_that_is_not_there(tmp_path):
    fixture = make(tmp_path, "02_poeple.csv", "id\n")
    with pytest.raises(WrongInput) as caught:
        fixtures.match([fixture.path], tmp_path, {"people": PEOPLE})
    assert str(caught.value) == (
        '02_poeple.csv: there is no table "poeple"; did you mean "people"?'
    )


def test_tables_come_after_those_they_refer_to():
    def table(name, *references):
        return Table(name, None, (), references)

    known = [table("a", "b", "a"), table("b", "c"), table("c"), table("x", "y"), table("y", "x")]
    order = loading_order({each.name: each for each in known})
    assert sorted(order) == ["a", "b", "c", "x", "y"]
    assert order.index("c") < order.index("b") < order.index("a")
