"""Programs to start in the clean room."""

import shutil

import pytest

from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.stages.freeze import smoke_test
from slipway.scripts.stages.freeze.smoke_runs import Start


@pytest.fixture
def start(tmp_path, bubblewrap):
    """Start a program, a text or a copy of a file, in the clean room."""

    def begin(program, *arguments, timeout=60, gui=False, **more):
        tree = tmp_path / "tree"
        tree.mkdir()
        if isinstance(program, str):
            (tree / "app").write_text(f"#!/bin/sh\n{program}\n")
        else:
            shutil.copyfile(program, tree / "app")
        (tree / "app").chmod(0o755)
        packed = tmp_path / "app.tar.zst"
        pack_tree(tree, packed, epoch=0, level=3, root="app")
        asked = [(Start("app", arguments, **more), "app/app")]
        (done,) = smoke_test.start(
            packed, asked, timeout, lambda _: None, gui=gui, bubblewrap=bubblewrap
        )
        return done

    return begin
