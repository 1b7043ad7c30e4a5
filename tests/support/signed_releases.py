"""A signed release in a folder, as a site makes it."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from slipway.scripts.releases.manifest import Artefact, Manifest, ReleaseFile
from slipway.scripts.releases.provenance.facts import BuildFacts, Dependency, StageFacts
from slipway.scripts.releases.signing.key_ring import KeyRing
from slipway.scripts.releases.signing.public_keys import PublicKey
from slipway.scripts.releases.signing.signers import ReleaseSigner, made_key, signing_with
from slipway.scripts.releases.signing.signing import SiteSigner, sign_release

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SITE = "https://ci.example.org/"
BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "metadata": {"component": {"type": "application", "name": "almanac", "bom-ref": "almanac"}},
    "components": [],
}


def new_signer(now=NOW, days=365):
    raw, sign = signing_with(made_key(), "a test")
    return ReleaseSigner(PublicKey.made(raw, now - timedelta(days=1), now + timedelta(days)), sign)


def site_signer(signer=None, others=()):
    signer = signer or new_signer()
    return SiteSigner(KeyRing(site=SITE, keys=(signer.key,)), signer, others)


def build_facts(**given):
    return BuildFacts(
        **{
            "site": SITE,
            "slipway": "0.1.0",
            "project": "almanac",
            "repository": "https://joe:secret@git.example.org/almanac.git",
            "revision": "a" * 40,
            "branch": "main",
            "version": "1.4.0+7",
            "run": 7,
            "run_url": f"{SITE}#/slipway/runs/almanac/7",
            "started_at": NOW - timedelta(minutes=9),
            "finished_at": NOW,
            "audit_head": "f" * 64,
            "stages": (
                StageFacts(
                    name="tests", uses="tests", settings={"uses": "tests"}, worker="linux-1"
                ),
                StageFacts(
                    name="freeze",
                    uses="freeze",
                    needs=("tests",),
                    settings={"uses": "freeze", "needs": ["tests"]},
                    worker="linux-2",
                    tools={"cx_Freeze": "8.5.0"},
                    dependencies=(Dependency(name="uv.lock", sha256="b" * 64),),
                ),
                StageFacts(
                    name="archive",
                    uses="archive",
                    needs=("freeze",),
                    settings={"uses": "archive", "needs": ["freeze"]},
                    parameters={"reason": "the fair"},
                    worker="linux-1",
                ),
                StageFacts(name="docs", uses="command", worker="linux-1"),
            ),
        }
        | given
    )


def entry(folder, name, data, kind=ReleaseFile, **more):
    (folder / name).write_bytes(data)
    return kind(name=name, size=len(data), sha256=sha256(data).hexdigest(), **more)


def make(folder, signer, files=None, facts=None, **given):
    """Make a signed release; return its manifest."""
    folder.mkdir(parents=True)
    files = files or {
        "almanac-1.4.0.tar.zst": b"the program",
        "almanac.cdx.json": json.dumps(BILL).encode(),
    }
    facts = facts or build_facts()
    manifest = Manifest(
        **{
            "project": facts.project,
            "version": facts.version,
            "revision": facts.revision,
            "branch": facts.branch,
            "run": facts.run,
            "committed_at": NOW - timedelta(hours=1),
            "published_at": NOW,
            "artefacts": tuple(
                entry(folder, name, data, Artefact, stage="archive") for name, data in files.items()
            ),
            "pages": (entry(folder, "index.html", b"<p>almanac</p>"),),
            "audit_head": facts.audit_head,
        }
        | given
    )
    (folder / "SHA256SUMS").write_text(manifest.sums())
    if signer is None:
        (folder / "release.json").write_text(manifest.text())
        return manifest
    return sign_release(folder, manifest, facts, signer)
