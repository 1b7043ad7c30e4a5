"""A publish that took longer than a later one does not take `latest` back."""

import json

from slipway.scripts.releases.outgoing import OutgoingFile, Pointers
from slipway.scripts.report import hash_file
from slipway.scripts.stages.publish.index import locked, point


def pointers(folder, version, issued_at):
    folder.mkdir()
    path = folder / "latest.json"
    path.write_text(json.dumps({"version": version, "issued_at": issued_at}))
    file = OutgoingFile("latest.json", path, path.stat().st_size, hash_file(path))
    return Pointers(version, {}, (file,))


def test_older_pointers_change_nothing(tmp_path):
    project = tmp_path / "www"
    for version in ("1.0", "2.0"):
        (project / version).mkdir(parents=True)
    old = pointers(tmp_path / "old", "1.0", "2026-12-01T04:00:00Z")
    new = pointers(tmp_path / "new", "2.0", "2026-12-01T05:00:00Z")
    for given in (old, new, old, new):
        with locked(project):
            point(project, given)
    assert json.loads((project / "latest.json").read_text())["version"] == "2.0"
    assert (project / "latest").resolve().name == "2.0"
    with locked(project):
        point(project, old)
    assert (project / "latest").resolve().name == "2.0"
