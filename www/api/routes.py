"""All endpoints. The OpenAPI document and the reference are generated from this table."""

from __future__ import annotations

from typing import Any

from slipway.model.records.audit import AuditEntry
from slipway.model.records.deployment import Deployment
from slipway.www.actions import gates as gate_control
from slipway.www.actions import prunings
from slipway.www.actions import runs as run_control
from slipway.www.actions import tokens as token_control
from slipway.www.actions import workers as worker_control
from slipway.www.api.call import Call
from slipway.www.api.openapi import describe
from slipway.www.api.route import Route
from slipway.www.shapes import audit, gates, runs, site, tests, tokens
from slipway.www.shapes.base import Listing, Nothing, Paging
from slipway.www.shapes.prunings import Prune, Pruned
from slipway.www.views import audit as audit_view
from slipway.www.views import commits, download, environments, log, releases, test_cases
from slipway.www.views import site as site_view
from slipway.www.views import tests as test_view
from slipway.www.views import workers as worker_view
from slipway.www.views.gates import gate as gate_view
from slipway.www.views.gates import gates as gate_list
from slipway.www.views.runs import run
from slipway.www.views.runs import runs as run_list

__all__ = ["CONTROL", "READING", "ROUTES", "show_document"]


async def show_document(_call: Call) -> dict[str, Any]:
    """Answer GET openapi.json."""
    return describe(ROUTES)


_RUN = "runs/{project}/{number}"
_STAGE = _RUN + "/stages/{stage}"
_ENVIRONMENT = "environments/{project}/{name}"

READING = (
    Route("GET", "me", "look", site_view.show_me, site.Me, "Who asks, and what they may do"),
    Route(
        "GET", "projects", "look", site_view.list_projects, Listing[site.Project], "The projects"
    ),
    Route(
        "GET",
        "runs",
        "look",
        run_list.list_runs,
        Listing[runs.RunRow],
        "Runs, each with a chip for each stage",
        query=runs.RunsQuery,
    ),
    Route("GET", _RUN, "look", run.show_run, runs.WholeRun, "A run, whole"),
    Route(
        "GET",
        _RUN + "/commits",
        "look",
        commits.list_commits,
        gates.Commits,
        "The commits since the run before on its branch",
    ),
    Route(
        "GET",
        "gates",
        "look",
        gate_list.list_gates,
        Listing[gates.Gate],
        "Gates; without a state those that are not decided",
        query=gates.GatesQuery,
    ),
    Route("GET", "gates/{id}", "look", gate_view.show_gate, gates.WholeGate, "A gate's dialog"),
    Route(
        "GET",
        _STAGE + "/gate",
        "look",
        gate_view.show_early,
        gates.WholeGate,
        "A gate's dialog, also before its needs have passed; nothing is written",
    ),
    Route(
        "GET",
        _ENVIRONMENT + "/rollback",
        "look",
        gate_view.show_rollback,
        gates.WholeGate,
        "The dialog that brings the release of an older run back; nothing is written",
        query=gates.Returning,
    ),
    Route(
        "GET",
        "environments",
        "look",
        environments.list_environments,
        Listing[gates.Environment],
        "What runs where",
        query=gates.EnvironmentsQuery,
    ),
    Route(
        "GET",
        _ENVIRONMENT,
        "look",
        environments.list_deployments,
        Listing[Deployment],
        "The deployments to an environment",
        query=Paging,
    ),
    Route(
        "GET",
        "releases",
        "look",
        releases.list_releases,
        Listing[runs.Release],
        "Releases",
        query=runs.ReleasesQuery,
    ),
    Route("GET", "releases/{id}", "look", releases.show_release, runs.Release, "A release"),
    Route(
        "GET",
        _STAGE + "/tests",
        "look",
        test_cases.list_cases,
        tests.Cases,
        "The tests of a stage, those that failed first",
        query=tests.CasesQuery,
    ),
    Route(
        "GET",
        _STAGE + "/log",
        "look",
        log.show_log,
        runs.Log,
        "The end of a stage's log",
        query=runs.LogQuery,
    ),
    Route(
        "GET",
        "artefacts/{sha256}",
        "look",
        download.send_artefact,
        None,
        "The bytes of an artefact",
        query=download.DownloadQuery,
        files=("*/*",),
    ),
    Route(
        "GET",
        "tests",
        "look",
        test_view.show_tests,
        tests.Tests,
        "Tests that fail now, that are flaky, that are slow",
        query=tests.TestsQuery,
    ),
    Route(
        "GET",
        "tests/history",
        "look",
        test_view.show_history,
        Listing[tests.Seen],
        "How one test went, newest first",
        query=tests.HistoryQuery,
    ),
    Route(
        "GET",
        "workers",
        "look",
        worker_view.list_workers,
        site.Workers,
        "Workers and lanes, and what failed",
    ),
    Route(
        "GET",
        "audit",
        "audit",
        audit_view.list_audit,
        Listing[AuditEntry],
        "Who did what; with a format as a file",
        query=audit.AuditQuery,
        files=("text/csv",),
    ),
    Route(
        "GET",
        "audit/verify",
        "audit",
        audit_view.verify_audit,
        audit.Whole,
        "Whether the audit trail is whole",
    ),
    Route(
        "GET",
        "tokens",
        "token.own",
        token_control.list_tokens,
        Listing[tokens.Token],
        "Tokens: one's own, or all",
    ),
    Route("GET", "openapi.json", "look", show_document, dict, "This description, for programs"),
)

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
        _RUN + "/rerun",
        "run.start",
        run_control.rerun,
        site.RunName,
        "Start a new run of the same revision",
        body=site.WithReason,
        status=201,
    ),
    Route(
        "POST",
        _RUN + "/cancel",
        "stage.cancel",
        run_control.cancel,
        site.RunName,
        "End a run",
        body=site.WithReason,
    ),
    Route(
        "POST",
        _STAGE + "/rerun",
        "stage.start",
        run_control.rerun_stage,
        site.RunName,
        "Run a stage again; a gate asks anew",
        body=site.RerunStage,
    ),
    Route(
        "POST",
        _STAGE + "/cancel",
        "stage.cancel",
        run_control.cancel_stage,
        site.RunName,
        "Cancel what of a stage waits or runs",
        body=site.CancelStage,
    ),
    Route(
        "POST",
        _STAGE + "/gate",
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
        _ENVIRONMENT + "/rollback",
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

CONTROL = _GATES_AND_RUNS + _SITE
ROUTES = READING + CONTROL
