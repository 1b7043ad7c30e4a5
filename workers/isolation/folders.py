"""Ownership of a local worker's folders, and its access to the state folder."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.model.errors import MissingTool
from slipway.scripts import removal
from slipway.state_folder import Home
from slipway.workers.isolation.account import TENANTS, Account
from slipway.workers.isolation.needs import Needs

__all__ = ["give", "open_to_group", "own"]


def give(
    needs: Needs, home: Home, account: Account | None, tenants: Mapping[str, Account] | None = None
) -> None:
    """Create a worker's folders and give them to the users that need them.

    Args:
        needs: The worker's needs.
        home: The state folder.
        account: The worker's user; None: this process's own.
        tenants: The users of its tenants, by name; None: stages run as the worker's user.

    Raises:
        MissingTool: A link has the name of a folder.
    """
    user, group = (account.user, account.group) if account else (os.geteuid(), os.getegid())
    own(needs.folder, user, group)
    if tenants:
        _make_areas(needs.folder, tenants)
    if account is None:
        _make_rooms(needs, user, group)
    _take_back(needs.releases)
    given: set[Path] = set()
    for name, tenant in needs.tenants.items():
        owner = (tenants or {}).get(name)
        for folder in set(tenant.writes) - given:
            # Folders elsewhere keep their owner, who must grant access.
            if folder.is_relative_to(home.root):
                _hand_over(folder, owner.user if owner else user, owner.group if owner else group)
        given |= set(tenant.writes)
    groups = (
        {home.mirror(one.project): tenants[name].group for name, one in needs.tenants.items()}
        if tenants
        else {}
    )
    for mirror in needs.mirrors:
        # While it is empty: the worker gets the folder in its present state.
        mirror.mkdir(parents=True, exist_ok=True)
        if account is not None:
            _share(mirror, groups.get(mirror, group))


def _take_back(releases: Iterable[Path]) -> None:
    """Make the master the owner of its releases, which an earlier version gave to tenants."""
    for folder in releases:
        if folder.exists() or folder.is_symlink():
            _hand_over(folder, os.geteuid(), os.getegid())


def _make_areas(folder: Path, tenants: Mapping[str, Account]) -> None:
    """Create a folder for each tenant; others can only pass through the worker's own folder."""
    folder.chmod(0o711)
    above = folder / TENANTS
    own(above, 0, 0)
    above.chmod(0o711)
    for name, tenant in tenants.items():
        own(above / name, tenant.user, tenant.group)


def _make_rooms(needs: Needs, user: int, group: int) -> None:
    """Create a folder for each tenant, and the `/tmp` folders of the tenants and of the worker."""
    own(needs.folder / TENANTS, user, group)
    for name in needs.tenants:
        own(needs.area(name), user, group)
    # What cannot be removed belonged to the tenant, and stays with it.
    removal.remove(needs.folder / "tmp")
    for path in (needs.folder / "tmp", *map(needs.temporary, ("", *needs.tenants))):
        path.mkdir(mode=0o700, exist_ok=True)


def own(folder: Path, user: int, group: int) -> None:
    """Create a worker's own folder; remove one of another user, which cannot be trusted.

    Raises:
        MissingTool: The other user's files cannot be removed.
    """
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != user):
        # The tree may be deeper than shutil.rmtree can go.
        problems = removal.remove(folder)
        if problems:
            msg = f"what another user left cannot be removed: {problems[0]}"
            raise MissingTool(msg)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(folder, user, group)


def _hand_over(folder: Path, user: int, group: int) -> None:
    """Change the owner of a worker's folder and of its whole content."""
    if folder.is_symlink():
        msg = f"{folder} is a link, and must be a folder that the worker gets"
        raise MissingTool(msg)
    folder.mkdir(parents=True, exist_ok=True)
    before = folder.lstat().st_uid
    if before != user:
        for _, names, files, handle in os.fwalk(folder, follow_symlinks=False):
            for name in (*names, *files):
                # A third user's file may be a hard link to a file that lies elsewhere.
                _pass_on(name, handle, before, user, group)
    # Last, so that an interrupted change of owner is done again.
    _close(folder, before, user, group)


def _pass_on(name: str, handle: int, before: int, user: int, group: int) -> None:
    """Change the owner of a file that still belongs to the former user, who may be active here."""
    with contextlib.suppress(FileNotFoundError):
        opened = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=handle)
        try:
            if os.fstat(opened).st_uid == before:
                os.chown(f"/proc/self/fd/{opened}", user, group)
        finally:
            os.close(opened)


def _close(folder: Path, before: int, user: int, group: int) -> None:
    """Give a folder to a user; only its group, which is its project's, may read it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(handle)
        if facts.st_uid == before and (before != user or os.geteuid() == 0):
            os.fchown(handle, user, group)
            os.fchmod(handle, 0o750 if before != user else stat.S_IMODE(facts.st_mode) & 0o7750)
    finally:
        os.close(handle)


def _share(mirror: Path, group: int) -> None:
    """Let the workers' group read a mirror, including files that git creates later."""
    if mirror.stat().st_gid == group:
        return
    for place, _, files, handle in os.fwalk(mirror, follow_symlinks=False):
        if Path(place) != mirror:
            os.fchown(handle, -1, group)
            os.fchmod(handle, 0o2750)
        for name in files:
            os.chown(name, -1, group, dir_fd=handle, follow_symlinks=False)
            os.chmod(name, 0o640, dir_fd=handle)
    # Last, so that an interrupted change is done again.
    os.chown(mirror, -1, group)
    mirror.chmod(0o2750)


def open_to_group(needs: Needs, home: Home, account: Account) -> None:
    """Let the workers' group pass through the state folder to what it has been given.

    The group cannot list the folders on the way. Used on machines without mount namespaces.
    """
    for folder in (needs.folder, *needs.mirrors, *needs.writes):
        if not folder.is_relative_to(home.root):
            continue
        for above in folder.parents:
            if not above.is_relative_to(home.root):
                break
            if above.stat().st_uid == os.geteuid():
                os.chown(above, -1, account.group)
                above.chmod(0o710)
