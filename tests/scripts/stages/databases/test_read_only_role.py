"""The read-only role may read everything and nothing else, or the build fails."""

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.databases import read_only_role
from tests.scripts.conftest import MODELS, fail

PLANTED = {
    "GRANT UPDATE (name) ON maker TO tiny_shop_ro": "SELECT FOR UPDATE from public.maker",
    "GRANT INSERT ON maker TO PUBLIC": "INSERT into public.maker",
    "GRANT TRUNCATE ON tag TO tiny_shop_ro": "TRUNCATE public.tag",
    "GRANT USAGE ON SEQUENCE maker_id_seq TO tiny_shop_ro": "advance sequence public.maker_id_seq",
    "GRANT CREATE ON SCHEMA public TO tiny_shop_ro": "CREATE TABLE in public",
    """CREATE FUNCTION wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM tag';
       GRANT EXECUTE ON FUNCTION wipe() TO tiny_shop_ro""": "run SECURITY DEFINER function wipe()",
    "GRANT pg_write_all_data TO tiny_shop_ro": "DELETE from public.item",
    "GRANT pg_read_all_stats TO tiny_shop_ro": "act as role pg_read_all_stats",
    "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO tiny_shop_ro": "delete public.slipway",
}


@pytest.mark.slow
@pytest.mark.parametrize("grant", PLANTED)
@pytest.mark.usefixtures("known_models")
def test_a_wrong_grant_is_found(tmp_path, recorder, given, grant, monkeypatch):
    real = read_only_role.grant

    def plant(db, role):
        real(db, role)
        db.execute(grant)
        db.commit()

    monkeypatch.setattr(read_only_role, "grant", plant)
    said = fail(tmp_path, recorder, StageFailed, metadata=MODELS, targets=["postgresql"], **given)
    assert said.startswith(f'the read-only role "tiny_shop_ro" may {PLANTED[grant]}')


@pytest.mark.slow
@pytest.mark.usefixtures("known_models")
def test_a_role_that_cannot_read_is_found(tmp_path, recorder, given, monkeypatch):
    real = read_only_role.grant

    def revoke(db, role):
        real(db, role)
        db.execute("REVOKE SELECT ON tag FROM tiny_shop_ro")
        db.commit()

    monkeypatch.setattr(read_only_role, "grant", revoke)
    said = fail(tmp_path, recorder, StageFailed, metadata=MODELS, targets=["postgresql"], **given)
    assert 'role "tiny_shop_ro" may not SELECT from public.tag' in said
