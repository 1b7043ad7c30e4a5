"""Retry the login after a master that was shutting down has answered with an error."""

from __future__ import annotations

from typing import Any

from buildbot_worker.pbutil import AutoLoginPBFactory
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread.pb import PBConnectionLost

__all__ = ["keep_trying"]


def keep_trying(factory: AutoLoginPBFactory) -> None:
    """Make a worker retry its login after any error of the master.

    A master that is being stopped still listens while its login manager has no master any more,
    and answers with an AttributeError (`requestAvatarId` in Buildbot 4.3's
    worker/protocols/manager/pb.py). buildbot-worker retries after a lost connection and a
    refused password, and exits after any other error.

    Args:
        factory: The worker's `bf`.
    """
    failed = factory.failedToGetPerspective

    def try_again(why: Failure, broker: Any) -> defer.Deferred[None]:
        if why.check(PBConnectionLost, UnauthorizedLogin) is None:
            log.msg(f"the master could not let this worker in: {why.getErrorMessage()}")
            why = Failure(PBConnectionLost("the master answered with an error"))
        again: defer.Deferred[None] = failed(why, broker)
        return again

    factory.failedToGetPerspective = try_again
