"""A visit: a request that knows who asks, and is never larger than it may be."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.web.server import Request

from slipway.master.web_server.channel import LARGEST
from slipway.model.access import Person


class Known(dict[str, Any]):
    """Buildbot's user_info of somebody the door knows; no cookie can hold one."""

    def __init__(self, person: Person) -> None:
        super().__init__(username=person.name, email=person.name, full_name=person.called)
        self.person = person


class Visit(Request):
    """A request that knows who asks, and whose cookies scripts and other sites do not see."""

    person: Person
    site: Any
    channel: Any
    _own: Any = None
    _size = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        # Forms are not taken; Twisted would hold each of them in memory several times.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)  # type: ignore[no-untyped-call]

    def gotLength(self, length: int | None) -> None:
        """Keep the body in memory: it is small, or refused."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; how long it is, a client need not have said before."""
        self._size += len(data)
        if self._size > LARGEST:
            self.channel.refuse(413, f"the body has more than {LARGEST:,} bytes")
        else:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]

    def process(self) -> None:
        """Begin to answer."""
        if self.method == b"HEAD":
            # What is packed has an end, which Twisted and Buildbot send after the answer to HEAD as
            # well (twisted.web.server.Request.finish): the client takes it for the next answer.
            self.requestHeaders.removeHeader(b"accept-encoding")
        super().process()  # type: ignore[no-untyped-call]

    def known_as(self, person: Person) -> None:
        """Have Buildbot take this person for the one who asks, in this request alone."""
        self._own = self.site.makeSession()
        self._own.user_info = Known(person)

    def getSession(self, *args: Any, **options: Any) -> Any:
        """Return the session; one that came by no cookie leaves none."""
        return self._own or super().getSession(*args, **options)  # type: ignore[no-untyped-call]

    def addCookie(self, k: Any, v: Any, **options: Any) -> None:  # type: ignore[override]
        """Set a cookie; Buildbot's own have neither HttpOnly nor SameSite."""
        secure = bool(options.pop("secure", False)) or self.site.resource.crowd.secure
        options |= {"httpOnly": True, "sameSite": "lax"}
        super().addCookie(k, v, secure=secure, **options)  # type: ignore[no-untyped-call]
