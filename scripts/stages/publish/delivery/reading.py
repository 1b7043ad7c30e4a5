"""Read back what a target has, and hash it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from slipway.model.errors import MissingTool
from slipway.scripts.releases.target import TryAgain

__all__ = ["digest", "from_address"]

_BLOCK = 1 << 20
_NOT_FOUND = 404


def digest(
    blocks: Iterable[bytes], size: int, passed: Callable[[int], None] = lambda _count: None
) -> str:
    """Return the hash of blocks; of no more than one byte beyond the size.

    Whoever sends without an end would otherwise be read for ever.

    Args:
        blocks: The blocks.
        size: The right number of bytes.
        passed: Called with the bytes of each block; it may wait, or raise.
    """
    found, left = hashlib.sha256(), size + 1
    for block in blocks:
        passed(len(block))
        found.update(block[:left])
        left -= len(block)
        if left <= 0:
            break
    return found.hexdigest()


def from_address(url: str, where: str, authorities: str | None = None) -> Iterator[bytes]:
    """Yield what anybody gets from an address.

    Args:
        url: The address.
        where: The place, for sentences.
        authorities: A file with certificates of authorities to trust besides the usual ones.

    Raises:
        MissingTool: The library for HTTP is not installed.
        StageFailed: The address does not give it.
        TryAgain: The network fails, or it is not there yet.
        WrongInput: The file of authorities cannot be read.
    """
    try:
        import httpx

        from slipway.scripts.stages.publish.targets import http_answers
    except ImportError:
        msg = f"{url} cannot be read: httpx is not installed: pip install httpx"
        raise MissingTool(msg) from None
    what = f"reading {url}"
    with httpx.Client(
        timeout=http_answers.TIMEOUT,
        follow_redirects=True,
        verify=http_answers.trusting(authorities),
    ) as client:
        plain = {"Accept-Encoding": "identity", "Cache-Control": "no-cache"}
        answer = http_answers.send(
            client, client.build_request("GET", url, headers=plain), where, what
        )
        try:
            if not answer.is_success:
                http_answers.checked(answer, where, what, _NOT_FOUND)
                # A server or a cache may need a while to show what was committed.
                msg = f"{what} at {where}: it is not there (404)"
                raise TryAgain(msg)
            # Not decoded: servers call a .tar.gz a tar file that is encoded.
            yield from answer.iter_raw(_BLOCK)
        except httpx.RequestError as error:
            msg = f"{what} at {where} failed: {str(error) or type(error).__name__}"
            raise TryAgain(msg) from None
        finally:
            answer.close()
