"""Parse the commands about who made a release: verify, key."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import Commands, add_config, add_json, positive

__all__ = ["add_commands"]

#: How long a new key signs: three years.
_DAYS = 1095
#: Bytes of a release behind a URL, in gigabytes.
_GIGABYTES = 20


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    verify = commands.add(
        "verify",
        "check who made a release, from what, and every hash",
        "Check a release: that it is as it was published, who signed it, from what it was built, "
        "and, of a project's folder, that it is the newest.",
        "slipway verify .slipway/releases/demo/latest\n"
        "slipway verify https://downloads.example.org/demo --policy demo-policy.toml",
    )
    verify.add_argument(
        "place", metavar="PATH|URL", help="a release's folder, here or behind a web server"
    )
    verify.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE|FINGERPRINT",
        help="the site's key: sha256:..., its PEM or its keys.json (default: those of the policy, "
        "else what is remembered, else of the site beside --config)",
    )
    verify.add_argument(
        "--policy", type=Path, metavar="FILE", help="what it must be: a TOML file, see the docs"
    )
    verify.add_argument(
        "--remember",
        action="store_true",
        help="accept the key of a place that is not known yet, and remember it for the next time",
    )
    verify.add_argument(
        "--unsigned", action="store_true", help="accept a release that nobody signed"
    )
    verify.add_argument(
        "--max-size",
        type=positive,
        default=_GIGABYTES,
        metavar="GB",
        help=f"of what a URL has, at most so much (default: {_GIGABYTES})",
    )
    add_config(verify)
    add_json(verify)
    key = commands.add(
        "key",
        "make, show and rotate the key that signs releases",
        "Make, show and rotate the key that signs this site's releases.",
        "slipway key show",
    )
    _keys(key.commands("what", "WHAT"))


def _keys(whats: Commands) -> None:
    new = whats.add(
        "new",
        "make the first key, or adopt the given one",
        "Make the key that signs releases, or take up that of [site.release-key]. The first "
        "release does the same.",
        "slipway key new --days 730",
    )
    show = whats.add(
        "show",
        "show the public keys",
        "Show the public keys of this site, for whoever verifies its releases.",
        "slipway key show\nslipway key show --pem > release.pub",
    )
    show.add_argument("--pem", action="store_true", help="the key that signs, as PEM")
    rotate = whats.add(
        "rotate",
        "make the next key, signed by this one",
        "Make the next key. Both keys sign that, so who knows one of them trusts the other.",
        "slipway key rotate",
    )
    rotate.add_argument(
        "--compromised",
        action="store_true",
        help="somebody else may have this key: nothing that it signed counts any more",
    )
    for what in (new, rotate):
        what.add_argument(
            "--days",
            type=positive,
            default=_DAYS,
            metavar="N",
            help=f"how long it signs (default: {_DAYS})",
        )
    for what in (new, show, rotate):
        add_config(what)
        add_json(what)
