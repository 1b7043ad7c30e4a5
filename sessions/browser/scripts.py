"""JavaScript that a session runs in the page: one call instead of several WebDriver commands."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["CLEAR_STORAGE", "NEXT_TASK", "PAGE_HTML", "PAGE_SCRIPT", "PAGE_TEXT"]

_PARTS = ("finding", "checking", "pointing", "operations")
#: Runs a function of page/operations.js; arguments: its name, then the search path of its element.
PAGE_SCRIPT = "".join(
    (files(__package__) / "page" / f"{one}.js").read_text("utf-8") for one in _PARTS
)

#: Returns the page's text; "" while there is none.
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
