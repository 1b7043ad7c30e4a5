"""HTTP request with an authenticated person and a bounded body."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.web.server import Request

from slipway.master.web_server.channel import LARGEST
from slipway.model.access import Person

__all__ = ["Known", "Visit"]


class Known(dict[str, Any]):
    """Buildbot's user_info for a person the gateway has authenticated; never stored in a cookie."""

    def __init__(self, person: Person) -> None:
        super().__init__(username=person.name, email=person.name, full_name=person.called)
        self.person = person


class Visit(Request):
    """A request with its person; its cookies are HttpOnly and SameSite."""

    person: Person
    site: Any
    channel: Any
    _own: Any = None
    _size = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        # No HTML forms: Twisted would hold several copies of each in memory.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)  # type: ignore[no-untyped-call]

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory, since its size is limited."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Append to the body; enforce the limit, since chunked bodies announce no length."""
        self._size += len(data)
        if self._size > LARGEST:
            self.channel.refuse(413, f"the body has more than {LARGEST:,} bytes")
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def process(self) -> None:
        """Begin to process the request."""
        if self.method == b"HEAD":
            # Twisted's and Buildbot's compression sends its trailer even after the answer to a HEAD
            # request (twisted.web.server.Request.finish): the client would take it for the next
            # answer.
            self.requestHeaders.removeHeader(b"accept-encoding")
        super().process()  # type: ignore[no-untyped-call]

    def known_as(self, person: Person) -> None:
        """Make Buildbot see this person as signed in, for this request only."""
        self._own = self.site.makeSession()
        self._own.user_info = Known(person)

    def getSession(self, *args: Any, **options: Any) -> Any:
        """Return the session; one made by `known_as` is not stored."""
        return self._own or super().getSession(*args, **options)  # type: ignore[no-untyped-call]

    def addCookie(self, k: Any, v: Any, **options: Any) -> None:  # type: ignore[override]
        """Set a cookie with HttpOnly and SameSite, which Buildbot's own lack."""
        secure = bool(options.pop("secure", False)) or self.site.resource.users.secure
        options |= {"httpOnly": True, "sameSite": "lax"}
        super().addCookie(k, v, secure=secure, **options)  # type: ignore[no-untyped-call]
