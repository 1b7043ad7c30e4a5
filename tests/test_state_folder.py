"""The state folder: nobody but its owner gets in."""

import sys

import pytest

from slipway.state_folder import Home, make_private

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@pytest.mark.slow
def test_a_site_of_before_is_closed(tmp_path):
    home = Home(tmp_path / "state")
    open_files = [home.root / "state.sqlite", home.root / "state.sqlite-wal"]
    open_files += [home.master / "twistd.log", home.root / "people" / "ann-hash"]
    elsewhere = tmp_path / "kept.sqlite"
    outside = tmp_path / "outside"
    for file in (*open_files, elsewhere, outside):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        file.chmod(0o644)
    home.root.chmod(0o755)
    (home.root / "link").symlink_to(outside)
    make_private(home, f"sqlite:///{elsewhere}")
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in open_files} == {0o600}
    assert elsewhere.stat().st_mode & 0o777 == 0o600
    assert outside.stat().st_mode & 0o777 == 0o644
    assert (home.root / "link").readlink() == outside
