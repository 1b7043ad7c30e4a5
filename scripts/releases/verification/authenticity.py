"""Check that a release was made by the site that it says: its signatures, keys and provenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from slipway.model.errors import SlipwayError, StageFailed, WrongInput
from slipway.scripts.releases.manifest import (
    KEYS,
    MANIFEST,
    PROVENANCE,
    SIGNATURE,
    SUMS,
    Manifest,
)
from slipway.scripts.releases.signing.key_ring import KeyRing, read_ring
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.strict_json import read_small
from slipway.scripts.releases.verification.bills import BILL, bill_problem
from slipway.scripts.releases.verification.finding import Finding
from slipway.scripts.releases.verification.provenance import Origin, origin_of, policy_problems
from slipway.scripts.releases.verification.trust import KnownKeys, Trust

__all__ = ["Signed", "proofs", "signed_by"]

#: Clocks may differ by so much.
_BACK = timedelta(minutes=5)
_ASK = (
    "do not use the release unless those who run the site say, by another way than it came, that "
    "this is their new key: then give it with --key"
)
#: Bytes of release.json.
_LARGEST = 64_000_000


@dataclass(frozen=True)
class Signed:
    """Who signed a release's manifest."""

    key: PublicKey | None
    """None: nobody, or it is unknown."""
    finding: Finding
    keys: tuple[PublicKey, ...] = ()
    """All keys that may be trusted."""


def signed_by(folder: Path, manifest: Manifest, trust: Trust) -> Signed:
    """Check the signature of a release's manifest.

    Args:
        folder: The release's folder; release.json, its signature and keys.json are enough.
        manifest: The manifest.
        trust: What is known.
    """
    name = f"{MANIFEST}{SIGNATURE}"
    if not manifest.key:
        return Signed(None, _unsigned(manifest, trust))
    try:
        ring = read_ring(read_small(folder, KEYS), KEYS)
        known, newer = _learned(folder.resolve().parent, trust)
        trusted = newer | known.trusted(ring)
        key = trusted.get(manifest.key) or ring.named(manifest.key)
        _check_signature(folder, key)
    except SlipwayError as error:
        where, _, problem = _without_folder(error, folder).partition(": ")
        return Signed(None, Finding(where, problem) if problem else Finding(name, str(error)))
    if manifest.key not in trusted:
        return Signed(key, Finding(name, _stranger(ring, manifest, known)))
    if problem := _out_of_time(key, manifest):
        return Signed(key, Finding(name, problem))
    note = f"by {key.id}" + (f", known from {trust.keys.source}" if trust.keys.source else "")
    return Signed(key, Finding(name, note=note), tuple(trusted.values()))


def _check_signature(folder: Path, key: PublicKey) -> None:
    name = f"{MANIFEST}{SIGNATURE}"
    if not key.has_signed(read_small(folder, MANIFEST, _LARGEST), read_small(folder, name)):
        msg = f"{name}: is no signature of {MANIFEST} by {key.id}: one of both was altered"
        raise StageFailed(msg)


def _unsigned(manifest: Manifest, trust: Trust) -> Finding:
    what = "was made by `slipway run`, on somebody's own machine" if manifest.local else "is"
    if trust.unsigned:
        return Finding(MANIFEST, note=f"NOT SIGNED: it {what}; anybody could have made it")
    problem = f"is not signed: it {what}" if manifest.local else "is not signed"
    return Finding(
        MANIFEST,
        f"{problem}, so anybody could have made it; "
        "--unsigned accepts that, and checks its files alone",
    )


def _learned(project: Path, trust: Trust) -> tuple[KnownKeys, dict[str, PublicKey]]:
    """Return what is known with the keys beside the releases: newer ones than in each of them."""
    try:
        ring = read_ring(read_small(project, KEYS), KEYS)
        known = trust.keys.learned(ring)
        return known, known.trusted(ring)
    except SlipwayError:
        # They can only add to what is known.
        return trust.keys, {}


def _stranger(ring: KeyRing, manifest: Manifest, known: KnownKeys) -> str:
    key = manifest.key
    if key in known.revoked:
        return f"is by {key}, which is revoked: nothing that it signed counts"
    if not known.pins:
        return (
            f"is by {key}, and nothing here says whose key that is; ask those who run the site, by "
            f"another way than this download came, what `slipway key show` prints there: if it has "
            f"this key, verify again with --key {key}, and if not, do not use the release"
        )
    if any(one.id in known.pins for one in ring.keys):
        return f"is by {key}, for which no key that is known vouches; {_ASK}"
    return f"is by {key}, which is none of the keys that are known ({known.source}); {_ASK}"


def _out_of_time(key: PublicKey, manifest: Manifest) -> str:
    if manifest.published_at > key.valid_until:
        return (
            f"is by {key.id}, whose last day was {key.valid_until:%Y-%m-%d}; the release is of "
            f"{manifest.published_at:%Y-%m-%d}"
        )
    if manifest.published_at < key.valid_from - _BACK:
        return (
            f"is by {key.id}, whose first day was {key.valid_from:%Y-%m-%d}; the release is of "
            f"{manifest.published_at:%Y-%m-%d}"
        )
    return ""


def proofs(folder: Path, manifest: Manifest, signed: Signed, trust: Trust) -> Iterator[Finding]:
    """Yield a finding for each proof of a release: about its provenance, bills and policy."""
    if signed.key is not None:
        yield _sums(folder, signed.key)
        yield from _origins(folder, manifest, signed.key, trust)
    for one in manifest.artefacts:
        if one.name.endswith(BILL):
            problem = bill_problem(folder, one.name, manifest)
            yield Finding(one.name, problem, note="" if problem else "a bill of materials")
    if problem := _policy(manifest, trust):
        yield Finding(MANIFEST, problem)


def _sums(folder: Path, key: PublicKey) -> Finding:
    name = f"{SUMS}{SIGNATURE}"
    try:
        good = key.has_signed(read_small(folder, SUMS, _LARGEST), read_small(folder, name))
    except WrongInput as error:
        return Finding(name, _without_folder(error, folder))
    return Finding(name, "" if good else f"is no signature of {SUMS} by {key.id}")


def _origins(folder: Path, manifest: Manifest, key: PublicKey, trust: Trust) -> Iterator[Finding]:
    """Yield a finding for each file of provenance; equal origins are told once."""
    told: set[str] = set()
    for one in manifest.artefacts:
        name = f"{one.name}{PROVENANCE}"
        origin: Origin | None = None
        problems = []
        try:
            origin = origin_of(folder, one, manifest, key)
            problems = list(policy_problems(origin, trust.policy))
        except (WrongInput, StageFailed) as error:
            problems = [_without_folder(error, folder).removeprefix(f"{name}: ")]
        text = origin.text if origin is not None else ""
        yield Finding(name, "; ".join(problems), note="" if problems or text in told else text)
        told.add(text)


def _policy(manifest: Manifest, trust: Trust) -> str:
    """Return in what a manifest is not as the policy demands, or older than what was seen."""
    policy = trust.policy
    newest = max(policy.newest_known_run or 0, trust.newest_run)
    if policy.project is not None and manifest.project != policy.project:
        return f"is of the project {manifest.project}, and the policy wants {policy.project}"
    if manifest.run < newest:
        return (
            f"is of run {manifest.run}, and the newest known release is of run {newest}: an older "
            "release is served as the newest"
        )
    after = policy.published_after
    if after is not None and manifest.published_at < after:
        return f"is of {manifest.published_at:%Y-%m-%d}, and the policy wants a newer one"
    return ""


def _without_folder(error: SlipwayError, folder: Path) -> str:
    """Return a sentence without the name of a folder, which may be a temporary one."""
    return str(error).replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "")
