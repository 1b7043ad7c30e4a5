"""Walks the pages over plain HTTP, as a browser without JavaScript would."""

from __future__ import annotations

import httpx
from lxml import html

from support import pages


class HttpSession:
    """A visitor without JavaScript."""

    patience = 0.0

    def __init__(self, base: str) -> None:
        self.client = httpx.Client(base_url=base, follow_redirects=True, trust_env=False)
        self.page = html.document_fromstring("<html><body></body></html>")
        self.answer: httpx.Response | None = None

    def close(self) -> None:
        """Forget the visitor."""
        self.client.close()

    def open(self, path: str) -> None:
        """Go to a page."""
        self._take(self.client.get(path))

    def _take(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.page = html.document_fromstring(answer.text, base_url=str(answer.url))
        self.page.make_links_absolute()

    def _one(self, path: str) -> html.HtmlElement:
        found = self.page.xpath(path)
        assert len(found) == 1, f"{len(found)} elements instead of one for {path}"
        return found[0]

    def follow(self, name: str) -> None:
        """Follow a link."""
        self.open(self._one(pages.named("a", name)).get("href"))

    def press(self, name: str) -> None:
        """Press a button: send its form."""
        form = next(self._one(pages.named("button", name)).iterancestors("form"))
        action = form.action or str(self.answer.url)
        values = dict(form.form_values())
        if form.method == "GET":
            self._take(self.client.get(action, params=values))
        else:
            self._take(self.client.post(action, data=values))

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self._one(pages.field(label)).value = text

    def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        select = self._one(pages.field(label))
        values = {each.text_content().strip(): each.get("value") for each in select.iter("option")}
        assert option in values, f"{option!r} is not one of {', '.join(values)}"
        select.value = values[option]

    def value(self, label: str) -> str:
        """Return what a field holds."""
        return self._one(pages.field(label)).value or ""

    def text(self) -> str:
        """Return the text of the page."""
        return " ".join(self.page.body.text_content().split())

    def texts(self, path: str) -> list[str]:
        """Return the text of each element at an XPath."""
        return [" ".join(each.text_content().split()) for each in self.page.xpath(path)]

    def title(self) -> str:
        """Return the title of the page."""
        return str(self.page.findtext(".//title", "")).strip()

    def path(self) -> str:
        """Return the path of the page."""
        assert self.answer is not None
        return self.answer.url.path

    def evidence(self) -> list[tuple[str, bytes]]:
        """Return what to keep of a page on which a step failed."""
        return [("text/html", self.answer.content)] if self.answer else []
