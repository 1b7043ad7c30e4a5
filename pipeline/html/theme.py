"""The colour palette of every page that Slipway writes or serves, in light and in dark.

Pages use it as CSS variables, `var(--failed)`. Those of the web UI are generated from this file
during the build, before anything is installed: so it imports the standard library alone.
"""

from __future__ import annotations

__all__ = ["PAIRS", "PALETTE", "SHADES", "variables"]

#: Each name with its value in light and in dark.
PALETTE: dict[str, tuple[str, str]] = {
    # Backgrounds, from the bottom layer to the top.
    "bg": ("#f4f6f9", "#0f141b"),
    "card": ("#ffffff", "#171d27"),
    "raised": ("#ffffff", "#1e2633"),
    "code": ("#eff2f6", "#10151d"),
    # Background of pictures and saved pages, which were made for a light one.
    "paper": ("#ffffff", "#ffffff"),
    "log-bg": ("#10151d", "#0a0e14"),
    "line": ("#dde2ea", "#2a3444"),
    "line-strong": ("#b9c1ce", "#46546a"),
    "text": ("#1b2330", "#e4e9f1"),
    "dim": ("#566070", "#9ba7b8"),
    "link": ("#1a5dc8", "#7db2ff"),
    "focus": ("#1a5dc8", "#7db2ff"),
    "log-text": ("#dbe3ee", "#dbe3ee"),
    "nav-text": ("#1b2330", "#cfd7e3"),
    # A state's text colour, and its background.
    "passed": ("#15703a", "#5fd38d"),
    "passed-bg": ("#e3f5e9", "#12301f"),
    "failed": ("#b91c28", "#ff8f8f"),
    "failed-bg": ("#fde8e8", "#3c191c"),
    "running": ("#1a5dc8", "#7db2ff"),
    "running-bg": ("#e4eefc", "#15294a"),
    "gate": ("#8a4b00", "#ffc56b"),
    "gate-bg": ("#fff1d6", "#3a2a0d"),
    "flaky": ("#75620a", "#e5d05c"),
    "flaky-bg": ("#faf4cf", "#322d0f"),
    "quarantined": ("#7a3fb0", "#c79bf2"),
    "quiet": ("#566070", "#9ba7b8"),
    "quiet-bg": ("#eceff4", "#222b38"),
    # Strong backgrounds, and the text on them.
    "primary": ("#1a5dc8", "#2f6fdb"),
    "passed-strong": ("#15703a", "#15703a"),
    "failed-strong": ("#b91c28", "#b91c28"),
    "flaky-strong": ("#806000", "#806000"),
    "strong-text": ("#ffffff", "#ffffff"),
    "gate-strong": ("#d97706", "#f59e0b"),
    "gate-ink": ("#1d1300", "#1d1300"),
}
#: Shadows, and the backdrop of a dialog or a picture.
SHADES: dict[str, tuple[str, str]] = {
    "shadow": (
        "0 1px 2px rgb(20 30 50 / 7%), 0 2px 8px rgb(20 30 50 / 4%)",
        "0 1px 2px rgb(0 0 0 / 40%)",
    ),
    "shadow-near": ("0 2px 10px rgb(20 30 50 / 14%)", "0 2px 10px rgb(0 0 0 / 50%)"),
    "shadow-far": ("0 18px 60px rgb(0 0 0 / 35%)", "0 18px 60px rgb(0 0 0 / 60%)"),
    "veil": ("rgb(10 15 25 / 55%)", "rgb(10 15 25 / 70%)"),
    "curtain": ("rgb(0 0 0 / 80%)", "rgb(0 0 0 / 80%)"),
}
_ON_GROUNDS = ("text", "dim", "link", "passed", "failed", "flaky", "quarantined", "quiet", "gate")
#: Each text colour with each of its backgrounds; a test checks their contrast (WCAG AA).
PAIRS: tuple[tuple[str, str], ...] = (
    *((text, ground) for text in _ON_GROUNDS for ground in ("bg", "card", "raised", "code")),
    *((text, "quiet-bg") for text in ("text", "dim", "link", "quiet")),
    *((state, f"{state}-bg") for state in ("passed", "failed", "running", "gate", "flaky")),
    *(("text", f"{state}-bg") for state in ("passed", "failed", "running", "gate", "flaky")),
    *(("strong-text", f"{state}-strong") for state in ("passed", "failed", "flaky")),
    *((text, "failed-bg") for text in ("dim", "failed")),
    ("running", "card"),
    ("strong-text", "primary"),
    ("gate-ink", "gate-strong"),
    ("log-text", "log-bg"),
    ("nav-text", "card"),
    ("nav-text", "raised"),
)


def variables(selector: str, *, dark: bool = True) -> str:
    """Return the palette as CSS variables.

    Args:
        selector: The CSS selector of the elements that get the variables.
        dark: Add dark values for people who prefer them; printed pages stay light.
    """
    light = _rule(selector, 0, "light dark" if dark else "light")
    if not dark:
        return light
    # "screen" only: a printed page has no dark background.
    return f"{light}@media screen and (prefers-color-scheme: dark) {{\n{_rule(selector, 1)}}}\n"


def _rule(selector: str, which: int, scheme: str = "") -> str:
    first = f"color-scheme: {scheme}; " if scheme else ""
    names = "\n".join(
        f"  --{name}: {values[which]};" for name, values in {**PALETTE, **SHADES}.items()
    )
    return f"{selector} {{\n  {first}\n{names}\n}}\n" if first else f"{selector} {{\n{names}\n}}\n"
