"""Messages for the reasons found by page/checking.js why a page prevents an action."""

from __future__ import annotations

from typing import Any

__all__ = ["LASTING", "refusal"]

#: For each reason the fact and the advice; the part with `by` is added if `by` is known.
_REASONS = {
    "hidden": ("is hidden ({by})", "do first what shows it, or name what a person can see"),
    "empty": ("has no size, so nobody can see it", "name what a person can see"),
    "disabled": ("is disabled{by}", "do first what enables it"),
    "read-only": ("is read-only", "only a field that can be edited is filled in"),
    "moving": ("moves", "it is used once it stays in its place from one frame to the next"),
    "outside": ("cannot be scrolled into view", "a person could not reach it either"),
    "through": (
        "lets the pointer through to {by} (pointer-events: none)",
        "a person could not click it either",
    ),
    "covered": ("is covered by {by}", "do first what takes that away"),
    "left": ("left the page as it was to be used", "look for it again"),
    "deaf": ("did not get the click, nor did anything else on the page", "try another way"),
    "torn": ("is drawn anew between press and release", "it is used once that takes longer"),
    "no-text": ("is a {by} element, which takes no text", "name a text field"),
    "no-list": ("is a {by} element, which is no list to choose from", "name a list"),
    "no-option": ('has the option "{by}", but that is disabled', "do first what enables it"),
    "no-box": (
        "is a {by} element, which can be neither checked nor unchecked",
        "name a checkbox or a radio button",
    ),
    "radio": ("is a radio button and cannot be unchecked", "choose another one"),
    "no-files": ("is a {by} element and no file field", "name a file field"),
    "one-file": ("takes one file, not {by}", "attach one"),
    "file": ("is a file field, whose dialog no session can answer", "attach a file to it"),
}
#: Reasons without a retry: these do not change on their own.
LASTING = frozenset({"no-text", "no-list", "no-box", "radio", "no-files", "one-file", "file"})


def refusal(answer: dict[str, Any], called: str, page: str) -> str:
    """Return the sentence for an answer with a reason.

    Args:
        answer: The page's answer, with `why` and maybe `by`.
        called: The element's description, such as `button "Go"`.
        page: The page's description, such as "the page http://localhost/".
    """
    reason, advice = _REASONS[answer["why"]]
    by = answer.get("by") or ""
    if answer["why"] == "disabled" and by:
        by = f" by {by}"
    return f"the {called} {reason.format(by=by)}, on {page}; {advice}"
