"""The endpoints that change something."""

from __future__ import annotations

from slipway.www.actions import gates as gate_control
from slipway.www.actions import prunings, worker_check
from slipway.www.actions import releases as release_control
from slipway.www.actions import runs as run_control
from slipway.www.actions import tokens as token_control
from slipway.www.actions import workers as worker_control
from slipway.www.api.notice_routes import NOTICE_CONTROL
from slipway.www.api.route import ENVIRONMENT, RUN, STAGE, Route
from slipway.www.shapes import gates, runs, site, tokens, workers
from slipway.www.shapes.base import Nothing
from slipway.www.shapes.prunings import Prune, Pruned

__all__ = ["CONTROL"]

_GATES_AND_RUNS = (
    Route(
        "POST",
        "runs",
        "run.start",
        run_control.start_run,
        site.RunName,
        "Start a run of a branch or a revision",
        body=site.StartRun,
        status=201,
        wrong=400,
    ),
    Route(
        "POST",
        "polls",
        "run.poll",
        run_control.poll,
        site.Polled,
        "Look for new commits now",
        body=site.Poll,
        status=202,
    ),
    Route(
        "POST",
        RUN + "/rerun",
        "run.start",
        run_control.rerun,
        site.RunName,
        "Start a new run of the same revision",
        body=site.WithReason,
        status=201,
    ),
    Route(
        "POST",
        RUN + "/cancel",
        "stage.cancel",
        run_control.cancel,
        site.RunName,
        "End a run",
        body=site.WithReason,
    ),
    Route(
        "POST",
        STAGE + "/rerun",
        "stage.start",
        run_control.rerun_stage,
        site.RunName,
        "Run a stage again; a gate asks anew",
        body=site.RerunStage,
    ),
    Route(
        "POST",
        STAGE + "/cancel",
        "stage.cancel",
        run_control.cancel_stage,
        site.RunName,
        "Cancel what of a stage waits or runs",
        body=site.CancelStage,
    ),
    Route(
        "POST",
        STAGE + "/gate",
        "look",
        gate_control.open_early,
        gates.Taken,
        "Open a stage's gate with answers, also before its needs have passed",
        body=gates.Opening,
    ),
    Route(
        "POST",
        "gates/{id}/open",
        "look",
        gate_control.open_gate,
        gates.Taken,
        "Open a gate with answers to its parameters",
        body=gates.Opening,
    ),
    Route(
        "POST",
        "gates/{id}/approve",
        "look",
        gate_control.approve,
        gates.Taken,
        "Approve the current request of a gate",
        body=gates.Approving,
    ),
    Route(
        "POST",
        "gates/{id}/reject",
        "look",
        gate_control.reject,
        gates.Taken,
        "Say no to a gate, and why",
        body=site.WithComment,
    ),
    Route(
        "POST",
        "gates/{id}/check",
        "look",
        gate_control.check,
        gates.Checked,
        "Look at answers; nothing is done",
        body=gates.Checking,
    ),
    Route(
        "POST",
        ENVIRONMENT + "/rollback",
        "look",
        gate_control.roll_back,
        gates.Taken,
        "Bring the release of an older run back, with answers",
        query=gates.Returning,
        body=gates.Opening,
    ),
    Route(
        "POST",
        "freezes/{project}",
        "freeze",
        gate_control.freeze,
        site.FrozenProject,
        "Let no gate of a project open",
        body=site.FreezeProject,
    ),
    Route(
        "DELETE",
        "freezes/{project}",
        "freeze",
        gate_control.thaw,
        site.ProjectName,
        "Let the gates of a project open again",
    ),
)

_RELEASES = (
    Route(
        "POST",
        "releases/{id}/block",
        "release.block",
        release_control.block,
        runs.Release,
        "Have nothing deploy, promote or offer a release",
        body=runs.BlockRelease,
    ),
    Route(
        "DELETE",
        "releases/{id}/block",
        "release.unblock",
        release_control.unblock,
        runs.Release,
        "End the block of a release",
    ),
    Route(
        "POST",
        "releases/{id}/promote",
        "release.promote",
        release_control.promote,
        runs.Release,
        "Move a channel to a release",
        body=runs.PromoteRelease,
    ),
)

_SITE = (
    Route(
        "POST",
        "workers/{name}/pause",
        "engine.control",
        worker_control.pause,
        site.WorkerState,
        "Give a worker no new work",
        body=site.WithReason,
    ),
    Route(
        "POST",
        "workers/{name}/resume",
        "engine.control",
        worker_control.resume,
        site.WorkerState,
        "Give a worker work again",
        body=site.WithReason,
    ),
    Route(
        "POST",
        "workers/{name}/check",
        "engine.control",
        worker_check.check,
        workers.WorkerCheck,
        "Have a connected worker check its machine",
        body=Nothing,
    ),
    Route(
        "POST",
        "prunings",
        "prune",
        prunings.prune,
        Pruned,
        "Delete the artefacts of old runs, according to keep",
        body=Prune,
    ),
    Route(
        "POST",
        "tokens",
        "token.own",
        token_control.create_token,
        tokens.TokenMade,
        "Make a token",
        body=tokens.NewToken,
        status=201,
        wrong=400,
    ),
    Route(
        "POST",
        "tokens/{id}/revoke",
        "token.own",
        token_control.revoke_token,
        tokens.Token,
        "Make a token worthless",
        body=Nothing,
        wrong=404,
    ),
)

CONTROL = _GATES_AND_RUNS + _RELEASES + _SITE + NOTICE_CONTROL
