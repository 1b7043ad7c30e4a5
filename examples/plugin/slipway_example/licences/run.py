"""What the stage does, on a worker: in a checkout of the run's commit."""

from pathlib import Path

from slipway.plugins import Job, Report, StageFailed

MARK = "SPDX-License-Identifier:"


def run(job: Job, report: Report) -> None:
    """Look at each file, leave a list, and fail where one names no licence."""
    wanted = f"{MARK} {job.stage.licence}"
    files = sorted(path for path in Path().glob(job.stage.pattern) if path.is_file())
    missing = [str(path) for path in files if wanted not in path.read_text(errors="replace")]
    listed = Path(job.output, "licences.txt")
    listed.write_text("".join(f"{path}\n" for path in missing))
    report.artefact(listed, role="report")
    if missing:
        raise StageFailed(f'{len(missing)} of {len(files)} files lack "{wanted}": {missing[0]}')
    report.summary(f"{len(files)} files name the licence {job.stage.licence}", files=len(files))
