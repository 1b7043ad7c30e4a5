"""Get timestamps from authorities, one after the other, with patience.

The program that signs asks them. What it says when it fails differs with its version, so the reason
is found by asking once more.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.scripts.authenticode.der import NotDer, read_der
from slipway.scripts.authenticode.signers import Signer, TimestampRefused

__all__ = ["PAUSES", "Authorities"]

#: Seconds before an authority that cannot be reached is asked again.
PAUSES = (1.0, 4.0)
#: Seconds for the question why.
_PATIENCE = 20.0
#: A question for a timestamp (RFC 3161): version 1, SHA-256, a digest of 32 bytes.
_QUESTION = bytes.fromhex("30360201013031300d060960864801650304020105000420") + bytes(32)
#: Bytes of an answer; one has some thousand.
_LARGEST = 1 << 16
#: Of an answer: a timestamp, or one with changes.
_GRANTED = (b"\0", b"\1")
_REFUSED, _BUSY = 400, 500
_TOO_MANY = 429


class Authorities:
    """The timestamp authorities of a stage, in the order in which they are tried."""

    def __init__(self, urls: tuple[str, ...], signer: Signer) -> None:
        """Remember them.

        Args:
            urls: Their URLs; empty: nothing gets a timestamp.
            signer: The program that asks them.
        """
        self.urls = urls
        self._signer = signer
        self._failed: dict[str, str] = {}
        """Why an authority is not asked any more."""

    def stamp(self, file: Path) -> None:
        """Add a timestamp to a signed file.

        Raises:
            StageFailed: No authority gave one.
        """
        for url in self.urls:
            if url in self._failed:
                continue
            reason = self._ask(file, url)
            if reason is None:
                return
            self._failed[url] = reason
        if self.urls:
            reasons = "; ".join(f"{url}: {why}" for url, why in self._failed.items())
            msg = f"no timestamp for {file.name}, so nothing is signed: {reasons}"
            raise StageFailed(msg)

    def _ask(self, file: Path, url: str) -> str | None:
        """Return why there is no timestamp; None: there is one."""
        for pause in (*PAUSES, None):
            try:
                self._signer.stamp(file, url)
            except TimestampRefused as error:
                why, passing = _diagnose(url)
                if pause is None or not passing:
                    return why or str(error)
                time.sleep(pause)
            else:
                return None
        return None


def _diagnose(url: str) -> tuple[str, bool]:
    """Ask an authority for a timestamp of nothing.

    Returns:
        What is wrong, or an empty text; and whether it may be over in a moment.
    """
    headers = {"Content-Type": "application/timestamp-query"}
    request = urllib.request.Request(url, _QUESTION, headers)  # noqa: S310  the model allows http alone
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            data = answer.read(_LARGEST)
    except urllib.error.HTTPError as error:
        error.close()
        lasting = _REFUSED <= error.code < _BUSY and error.code != _TOO_MANY
        return f"it answers with HTTP {error.code}", not lasting
    except urllib.error.URLError as error:
        why = getattr(error.reason, "strerror", None) or error.reason
        return f"it cannot be reached ({why})", True
    except (OSError, http.client.HTTPException) as error:
        return f"it cannot be reached ({str(error) or type(error).__name__})", True
    try:
        granted = read_der(data).child(0).child(0).content in _GRANTED
    except NotDer:
        return "what it answers is no timestamp", False
    return ("" if granted else "it refuses a timestamp"), granted
