"""Permissions: one table for the web UI, the REST API, tokens and the documentation."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from slipway.model.errors import SlipwayError

__all__ = [
    "ACTIONS",
    "ADMIN_ROLE",
    "DEVELOPER",
    "LADDER",
    "RELEASER",
    "VIEWER",
    "Action",
    "Person",
    "Unknown",
    "gate_refusal",
    "held",
    "may",
    "may_open",
    "refusal",
    "table",
]

VIEWER, DEVELOPER, RELEASER, ADMIN_ROLE = "viewer", "developer", "releaser", "admin"
#: Each role includes the rights of those before it.
LADDER = (VIEWER, DEVELOPER, RELEASER, ADMIN_ROLE)


@dataclass(frozen=True)
class Action:
    """An action, and the lowest role that permits it; None: nobody may."""

    name: str
    what: str
    role: str | None
    where: str = ""
    signed_in: bool = False
    """True if anonymous people may not do it, whatever roles they have."""


#: The table of permissions. Other actions require the admin (`engine.control`).
ACTIONS = {
    action.name: action
    for action in (
        Action("look", "see runs, builds, logs, artefacts", VIEWER, "every page, GET, /ws, /sse"),
        Action("run.start", "start a run", DEVELOPER, "forceschedulers/PROJECT-run force"),
        Action("run.poll", "look for new commits", DEVELOPER, "POST /change_hook/poller"),
        Action(
            "stage.start", "run a stage again", DEVELOPER, "forceschedulers/PROJECT-stage force"
        ),
        Action("stage.cancel", "cancel what runs or waits", DEVELOPER, "stop, cancel"),
        Action(
            "gate.open",
            "open, approve or reject a gate that names no role",
            DEVELOPER,
            "forceschedulers/PROJECT-stage force, on a manual stage",
        ),
        Action("release.promote", "move a channel to a release", RELEASER),
        Action("release.block", "block a release: nothing deploys or offers it", RELEASER),
        Action("release.unblock", "end the block of a release", ADMIN_ROLE),
        Action("token.own", "make and revoke tokens of one's own", VIEWER, signed_in=True),
        Action("token.any", "see and revoke the tokens of others", ADMIN_ROLE),
        Action(
            "notice.own",
            "see one's own notices and set one's own rules",
            VIEWER,
            signed_in=True,
        ),
        Action("notice.any", "see, resend and discard all notices, set others' rules", ADMIN_ROLE),
        Action("freeze", "freeze and unfreeze a project", ADMIN_ROLE),
        Action("prune", "let the artefacts of old runs go", ADMIN_ROLE),
        Action("audit", "read the audit trail", ADMIN_ROLE),
        Action(
            "engine.control",
            "pause and stop workers, switch schedulers, set priorities, and all that is not listed "
            "here",
            ADMIN_ROLE,
            "all other control actions",
        ),
        Action(
            "build.rebuild",
            "rebuild a build outside any run; run the stage again instead",
            None,
            "rebuild",
        ),
    )
}


def held(roles: Iterable[str]) -> frozenset[str]:
    """Return roles with the lower ones they include; any role includes "viewer"."""
    given = frozenset(roles)
    found = set(given)
    if given:
        found.add(VIEWER)
    for place, role in enumerate(LADDER):
        if role in given:
            found.update(LADDER[: place + 1])
    return frozenset(found)


@dataclass(frozen=True)
class Person:
    """A person who requests something; `roles` includes the lower ones."""

    name: str
    """The name in `[people.NAME]`. Empty: anonymous."""
    roles: frozenset[str] = frozenset()
    via: str = ""
    """The authentication: session, password, token:ID, header. Empty: none."""
    called: str = ""
    """The display name."""

    @property
    def anonymous(self) -> bool:
        """True if the person has not signed in."""
        return not self.name

    @property
    def by_token(self) -> bool:
        """True if the person is authenticated by a token."""
        return self.via.startswith("token:")


class Unknown(SlipwayError):
    """Invalid credentials; `status` is the HTTP status for it."""

    def __init__(self, sentence: str, status: int = 401) -> None:
        super().__init__(sentence)
        self.status = status


def may(person: Person, action: str) -> bool:
    """Return whether a person may do an action.

    Args:
        person: The person.
        action: A name in ACTIONS.

    Raises:
        KeyError: There is no such action.
    """
    asked = ACTIONS[action]
    if asked.role is None or (asked.signed_in and person.anonymous):
        return False
    return asked.role in person.roles


def may_open(person: Person, allowed: Collection[str]) -> bool:
    """Return whether a person may open, approve or reject a gate.

    Args:
        person: The person.
        allowed: The roles of the gate; if empty, those of `gate.open`. The admin always may.
    """
    if not allowed:
        return may(person, "gate.open")
    return not person.anonymous and bool(person.roles & {*allowed, ADMIN_ROLE})


def refusal(person: Person, action: str) -> str:
    """Return the sentence that refuses an action."""
    wanted = ACTIONS[action]
    if wanted.role is None:
        return f"nobody may {wanted.what}"
    return _needs(person, wanted.what, [wanted.role])


def gate_refusal(person: Person, allowed: Collection[str]) -> str:
    """Return the sentence that refuses to open a gate."""
    roles = allowed or [str(ACTIONS["gate.open"].role)]
    return _needs(person, "open this gate", roles)


def _needs(person: Person, what: str, roles: Collection[str]) -> str:
    wanted = " or ".join(f'"{role}"' for role in roles)
    if person.anonymous:
        return f"to {what} you need to have role {wanted}: sign in, or send a token"
    has = ", ".join(role for role in LADDER if role in person.roles) or "none"
    return f"to {what} you need to have role {wanted}; {person.name} has: {has}"


def table() -> str:
    """Return the table of permissions as Markdown, for the documentation."""
    kinds = {"anonymous": Person("", held([VIEWER])), **{r: Person(r, held([r])) for r in LADDER}}
    heads = ["what", "name", "by Buildbot's UI and REST", *kinds]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for action in ACTIONS.values():
        marks = ["yes" if may(one, action.name) else "no" for one in kinds.values()]
        lines.append(_row([action.what, f"`{action.name}`", action.where, *marks]))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
