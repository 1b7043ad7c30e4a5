"""All endpoints. The OpenAPI document and the reference are generated from this table."""

from __future__ import annotations

from typing import Any

from slipway.model.records.audit import AuditEntry
from slipway.model.records.deployment import Deployment
from slipway.www.actions import tokens as token_control
from slipway.www.api.call import Call
from slipway.www.api.control_routes import CONTROL
from slipway.www.api.notice_routes import NOTICE_READING
from slipway.www.api.openapi import describe
from slipway.www.api.route import ENVIRONMENT, RUN, STAGE, Route
from slipway.www.shapes import audit, gates, runs, site, tests, tokens
from slipway.www.shapes.base import Listing, Paging
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
    Route("GET", RUN, "look", run.show_run, runs.WholeRun, "A run, whole"),
    Route(
        "GET",
        RUN + "/commits",
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
        STAGE + "/gate",
        "look",
        gate_view.show_early,
        gates.WholeGate,
        "A gate's dialog, also before its needs have passed; nothing is written",
    ),
    Route(
        "GET",
        ENVIRONMENT + "/rollback",
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
        ENVIRONMENT,
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
        STAGE + "/tests",
        "look",
        test_cases.list_cases,
        tests.Cases,
        "The tests of a stage, those that failed first",
        query=tests.CasesQuery,
    ),
    Route(
        "GET",
        STAGE + "/log",
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
    *NOTICE_READING,
    Route("GET", "openapi.json", "look", show_document, dict, "This description, for programs"),
)

ROUTES = READING + CONTROL
