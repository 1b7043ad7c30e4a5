"""JavaScript that a session runs in the page: one call where WebDriver would need several."""

from __future__ import annotations

from importlib.resources import files

_PARTS = ("finding", "checking", "pointing", "deeds")
#: Does one of the deeds of page/deeds.js: its name comes first, then the way to what it is about.
DEED = "".join((files(__package__) / "page" / f"{one}.js").read_text("utf-8") for one in _PARTS)

#: The text of the page; "" while it has none.
PAGE_TEXT = """
const body = document.body || document.documentElement;
return body ? (body.innerText ?? body.textContent) || '' : '';
"""

PAGE_HTML = """
const kind = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '';
return kind + (document.documentElement ? document.documentElement.outerHTML : '');
"""

NEXT_TASK = "return new Promise(done => setTimeout(done, 0));"

CLEAR_STORAGE = "try { localStorage.clear(); sessionStorage.clear(); } catch (refused) {}"
