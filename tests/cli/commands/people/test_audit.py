"""`slipway audit` over a real ledger."""

import csv
import io
import json

import pytest

from slipway.ledger.audit import chain
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Run
from slipway.ledger.transitions import transition
from slipway.model.states import RunState
from tests.support.ledgers import make_ledger


@pytest.fixture
def engine(place):
    place.write(unit=("pass", ""))
    (place.folder / ".slipway").mkdir()
    made = make_ledger(f"sqlite:///{place.folder / '.slipway' / 'state.sqlite'}")
    yield made
    made.dispose()


@pytest.fixture
def told(engine):
    with LedgerSession(engine, actor="ann") as session:
        run = Run(
            project="demo",
            number=1,
            branch="main",
            revision="a",
            version="1+1",
            committed_at=1,
            trigger="force",
            started_at=1.0,
        )
        session.add(run)
        session.commit()
        transition(run, RunState.WAITING, "only gates are left", 2.0)
        session.commit()
    with LedgerSession(engine, actor="=bob") as session:
        facts = {"allowed": False, "reason": "[bold]"}
        chain.note(session, "stop", "control", "builds/1", summary="refused: [x]", facts=facts)
        session.commit()
        return chain.head(session)


def test_the_list(place, told):
    code, out, err = place.slipway("audit")
    assert (code, err) == (0, "")
    head, third, second, first = (line.rstrip() for line in out.splitlines())
    assert head.split() == ["row", "when", "who", "project", "what", "of", "values"]
    for word in ("=bob", "stop", "refused: [x]", "allowed: False, reason: [bold]"):
        assert word in third
    for word in ("ann", "demo", "update", "run 1, 1+1 of main", "state: running → waiting"):
        assert word in second
    assert first.split()[0] == "1"


@pytest.mark.slow
def test_narrowed(place, told):
    def ids(*words):
        return [one["id"] for one in json.loads(place.slipway("audit", "--json", *words)[1])]

    assert ids() == [3, 2, 1]
    assert ids("--actor", "ann") == [2, 1]
    assert ids("--project", "demo", "--limit", "1") == [2]
    assert ids("--since", "2020-01-01") == [3, 2, 1]
    assert ids("--since", "2999-01-01T10:00") == []
    assert (
        place.slipway("audit", "--actor", "eve")[1] == "nothing in the audit trail is like that\n"
    )


def test_csv_is_safe_in_a_spreadsheet(place, told):
    code, out, _ = place.slipway("audit", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [one["id"] for one in rows] == ["3", "2", "1"]
    assert rows[0]["actor"] == "'=bob"
    assert json.loads(rows[1]["new"]) == {"state": "waiting", "finished_at": 2.0}
    assert rows[0]["old"] == ""


@pytest.mark.slow
def test_verify(place, told, engine):
    code, out, _ = place.slipway("audit", "--verify")
    assert (code, out) == (
        0,
        f"✓ the audit trail is whole: 3 rows, no anchor to find, head {told}\n",
    )
    code, out, _ = place.slipway("audit", "--anchor", told.upper(), "--json")
    assert (code, json.loads(out)["anchors"], json.loads(out)["problem"]) == (0, 1, "")
    with engine.begin() as connection:
        connection.exec_driver_sql("drop trigger slipway_audit_update")
        connection.exec_driver_sql("update slipway_audit set actor = 'eve' where id = 2")
    code, out, err = place.slipway("audit", "--verify")
    assert (code, err) == (1, "")
    assert out.startswith("✗ row 2 of the audit trail (")
    assert out.endswith("was altered: its content does not give its hash\n")
    assert place.slipway("audit", "--verify", "--json")[0] == 1


def test_anchors_of_releases(place, told):
    release = place.folder / "1+1"
    release.mkdir()
    manifest = {
        "project": "demo",
        "version": "1+1",
        "revision": "a",
        "run": 1,
        "audit_head": told,
        **dict.fromkeys(("committed_at", "published_at"), "2026-01-01T00:00:00Z"),
        "artefacts": [{"name": "a", "size": 1, "sha256": "0" * 64}],
    }
    file = release / "release.json"
    file.write_text(json.dumps(manifest))
    for given in (release, file):
        code, out, _ = place.slipway("audit", "--anchor", given)
        assert (code, "1 anchor found" in out) == (0, True)
    file.write_text(json.dumps({**manifest, "audit_head": "f" * 64}))
    code, out, _ = place.slipway("audit", "--anchor", release)
    assert (code, "which release demo 1+1 saw" in out) == (1, True)
    file.write_text(json.dumps({**manifest, "audit_head": ""}))
    code, _, err = place.slipway("audit", "--anchor", release)
    assert (code, "has no audit_head: it was made without a master" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "yesterday"), '--since "yesterday" is no date; write 2026-11-20'),
        (("--since", "0001-01-01"), None),
        (("--anchor", "abc"), '--anchor "abc" is neither a hash of 64 hexadecimal digits nor a'),
        (("--anchor", "nowhere/release.json"), "nor a release"),
        (("--project", "dmo"), '--project "dmo" is not in pipeline.toml'),
        (("--limit", "0"), "no whole number from 1 on"),
        (("--json", "--csv"), "not allowed with"),
    ],
)
def test_wrong_input(place, engine, words, told):
    code, _, err = place.slipway("audit", *words)
    assert "Traceback" not in err
    assert code == (2 if told else code)
    assert (told or "") in err


def test_without_a_ledger(place):
    place.write(unit=("pass", ""))
    for words in ((), ("--verify",)):
        assert place.slipway("audit", *words)[:2] == (
            0,
            "the audit trail is empty; start the site: slipway up\n",
        )
    assert place.slipway("audit", "--json")[1] == "[]\n"
    code, out, _ = place.slipway("audit", "--anchor", "a" * 64)
    assert (code, "there is no ledger, but --anchor saw one" in out) == (1, True)
