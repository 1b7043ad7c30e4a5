"""What one freeze takes from earlier ones, and leaves for later ones."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway.model.protocol.job import Job
from slipway.scripts.python_env.environment import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze.freezing import call_again
from slipway.scripts.stages.freeze.learned import Learned
from slipway.scripts.stages.freeze.remarks import Remarks
from slipway.scripts.stages.freeze.reuse.fingerprint import (
    digest,
    machine_facts,
    outside_sources,
    read_project,
)
from slipway.scripts.stages.freeze.reuse.results import Result, keep_result, leave_result
from slipway.scripts.stages.freeze.reuse.shelf import Shelf
from slipway.scripts.stages.freeze.reuse.tree import Again, keep_tree, refreeze, take_aside
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["Kept"]

#: Increment it when what is kept is kept differently.
_SCHEME = 1


class Kept:
    """The shelves of a project, and the keys of one freeze."""

    def __init__(
        self,
        job: Job,
        stage: FreezeStage,
        environment: Environment,
        programs: Sequence[Any],
        room: str,
        work: Path,
    ) -> None:
        """Read nothing yet.

        Args:
            job: The stage.
            stage: Its settings.
            environment: The application's environment.
            programs: What is frozen.
            room: Where it is started.
            work: A folder for what is in the making.
        """
        self._job, self._stage, self._environment = job, stage, environment
        self._programs = [repr(one) for one in programs]
        self._room = room
        self._work = work
        cache = Path(job.cache) / "freeze"
        self._results, self._trees = Shelf(cache / "results"), Shelf(cache / "trees")
        patterns = ("lib/python*/site-packages", "Lib/site-packages")
        sites = [one for pattern in patterns for one in environment.folder.glob(pattern)]
        self._is_on = stage.incremental and not outside_sources(environment, sites)

    @cached_property
    def _project(self) -> dict[str, str]:
        return self._read_project()

    def _read_project(self) -> dict[str, str]:
        places = (self._job.output, self._job.cache, self._job.state)
        return read_project(self._environment.source, [Path(place) for place in places])

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return {
            "scheme": _SCHEME,
            "project": self._job.project,
            "stage": self._stage.model_dump(mode="json"),
            "programs": self._programs,
            "room": self._room,
            "machine": machine_facts(self._environment),
        }

    def _tree_key(self, learned: Learned) -> str:
        return digest([self._settings, asdict(learned)])

    def _result_key(self, learned: Learned) -> str:
        epoch = self._job.run.committed_at
        return digest([self._settings, asdict(learned), self._project, epoch])

    def leave(self, learned: Learned | None, report: Report) -> bool:
        """Leave what was left before, where nothing has changed; return False elsewhere."""
        if not self._is_on or learned is None:
            return False
        return leave_result(self._results, self._result_key(learned), self._job, report)

    def refreeze(self, learned: Learned, settings: dict[str, Any], report: Report) -> Again | None:
        """Freeze again where only the project's own files have changed; None: it has to be whole.

        Args:
            learned: What is known of the programs.
            settings: The guest's.
            report: Receives the output.
        """
        if not self._is_on:
            return None
        epoch = self._job.run.committed_at

        def compile_own(asked: dict[str, Any], work: Path) -> dict[str, Any]:
            return call_again(settings | {"epoch": epoch}, asked, self._environment, work, report)

        return refreeze(
            self._trees,
            self._tree_key(learned),
            Path(settings["target"]),
            self._project,
            self._environment.source,
            compile_own,
            self._work / "again",
        )

    def take(self, tree: Path) -> None:
        """Take a copy of a tree that may be worth to be kept."""
        if self._is_on:
            try:
                take_aside(tree, self._aside)
            except OSError:
                # As by a full disk: it is kept for the next time only.
                self.drop()

    @property
    def _aside(self) -> Path:
        return self._work / "kept"

    def drop(self) -> None:
        """Forget the copy: another tree is made."""
        shutil.rmtree(self._aside, ignore_errors=True)

    def keep(self, learned: Learned, made: Again, report: Remarks) -> None:
        """Keep what was left, and the tree if a copy was taken.

        Args:
            learned: What is known of the programs.
            made: The tree.
            report: Knows what was left and said.
        """
        # What has changed meanwhile, as by a person at work, may be in the program or not.
        if not self._is_on or report.closing is None or self._read_project() != self._project:
            return
        closing = report.closing
        result = Result(report.artefacts, report.warnings, closing.text, dict(closing.facts))
        try:
            if self._aside.is_dir():
                key = self._tree_key(learned)
                keep_tree(self._trees, key, self._aside, made, self._project)
            keep_result(self._results, self._result_key(learned), result, self._job)
        except OSError as error:
            text = f"what was frozen could not be kept for the next time: {error.strerror or error}"
            report.notice(text, level="warning")
