"""Each way to pass something off as a release is found, and named by the file it was done to."""

import base64
import json
import os
import shutil
from datetime import timedelta
from hashlib import sha256

import pytest

from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.signing.envelopes import seal
from slipway.scripts.releases.signing.pointers import sign_pointer
from slipway.scripts.releases.signing.signing import SiteSigner
from slipway.scripts.releases.verification.policy import Policy
from slipway.scripts.releases.verification.trust import KnownKeys, Trust
from slipway.scripts.releases.verify import Found, examine, find
from tests.support.signed_releases import BILL, NOW, build_facts, make, new_signer, site_signer

PROGRAM = "almanac-1.4.0.tar.zst"
STATEMENT = f"{PROGRAM}.intoto.jsonl"


@pytest.fixture(scope="module")
def signer():
    return new_signer()


@pytest.fixture
def release(tmp_path, signer):
    folder = tmp_path / "almanac" / "1.4.0+7"
    make(folder, site_signer(signer))
    return folder


def trusting(signer, **given):
    keys = KnownKeys(frozenset({signer.key.id}), source="a test")
    return Trust(**{"keys": keys, "now": NOW + timedelta(hours=1)} | given)


def problems(folder, trust, pointer=None):
    found = examine(Found(folder, pointer), trust)
    return {one.name: one.problem for one in found if one.problem}


def rewritten(folder, signer=None, **changes):
    """Write another manifest, with its sums, and sign it if somebody is to."""
    manifest = Manifest.model_validate_json((folder / "release.json").read_text())
    named = (*manifest.artefacts, *manifest.pages, *manifest.evidence)
    there = [folder / one.name for one in named if (folder / one.name).exists()]
    data = {path.name: path.read_bytes() for path in there}
    content = json.loads(manifest.text())
    for part in ("artefacts", "pages", "evidence"):
        for one in content[part]:
            if one["name"] in data:
                one["size"] = len(data[one["name"]])
                one["sha256"] = sha256(data[one["name"]]).hexdigest()
    text = json.dumps(content | changes)
    (folder / "release.json").write_text(text)
    (folder / "SHA256SUMS").write_text(Manifest.model_validate_json(text).sums())
    if signer is not None:
        for name in ("release.json", "SHA256SUMS"):
            (folder / f"{name}.sig").write_bytes(signer.sign((folder / name).read_bytes()))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_good_release_is_good(release, signer):
    told = list(examine(Found(release), trusting(signer)))
    assert [one.problem for one in told if one.problem] == []
    notes = {one.name: one.note for one in told}
    assert notes["release.json.sig"] == f"by {signer.key.id}, known from a test"
    assert "built by https://ci.example.org/ from git+https://git.example.org" in notes[STATEMENT]
    assert "main, aaaaaaaaaaaa, SLSA build level 2" in notes[STATEMENT]
    names = {path.name for path in release.iterdir()}
    assert {one.name for one in told} == names - {"release.json"}


@pytest.mark.parametrize(
    "name",
    [
        PROGRAM,
        STATEMENT,
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "almanac.cdx.json",
        "index.html",
        "keys.json",
        "release.json",
        "release.json.sig",
    ],
)
def test_a_byte_altered_in_any_file(release, signer, name):
    flip(release / name)
    found = problems(release, trusting(signer))
    # The manifest has one byte less to say what is wrong with it: its signature says so.
    assert name in found or (name == "release.json" and "release.json.sig" in found)


@pytest.mark.parametrize(
    "name", [PROGRAM, STATEMENT, "SHA256SUMS.sig", "keys.json", "release.json.sig", "index.html"]
)
def test_a_file_removed(release, signer, name):
    (release / name).unlink()
    assert "missing" in problems(release, trusting(signer))[name]


@pytest.mark.parametrize("name", ["setup.exe", "release.json.asc", "x.intoto.jsonl", "folder"])
def test_a_file_added(release, signer, name):
    (release / name).mkdir() if name == "folder" else (release / name).write_bytes(b"x")
    assert "an extra file" in problems(release, trusting(signer))[name]


def test_a_file_renamed(release, signer):
    (release / PROGRAM).rename(release / "almanac.exe")
    found = problems(release, trusting(signer))
    assert found[PROGRAM] == "missing"
    assert "extra" in found["almanac.exe"]


def test_a_manifest_rewritten_with_its_sums(release, signer):
    (release / PROGRAM).write_bytes(b"a trojan")
    rewritten(release)
    found = problems(release, trusting(signer))
    assert "is no signature of release.json" in found["release.json.sig"]


def test_a_manifest_rewritten_and_signed_by_another_key(release, signer):
    thief = new_signer()
    (release / PROGRAM).write_bytes(b"a trojan")
    rewritten(release, thief, key=thief.key.id)
    assert "does not have" in problems(release, trusting(signer))["keys.json"]


def test_everything_made_anew_by_another_site(release, signer):
    shutil.rmtree(release)
    thief = new_signer()
    make(release, site_signer(thief))
    found = problems(release, trusting(signer))
    assert f"is by {thief.key.id}, which is none of the keys" in found["release.json.sig"]
    found = problems(release, Trust(now=NOW))
    assert "nothing here says whose key that is" in found["release.json.sig"]


def test_the_keys_replaced_by_ones_that_know_the_thief(release, signer):
    """The right key stands in keys.json, too, but it never vouched for the other one."""
    thief = new_signer()
    rings = site_signer(signer).ring, site_signer(thief).ring
    forged = rings[0].model_copy(update={"keys": (signer.key, thief.key)})
    (release / "keys.json").write_text(forged.text())
    rewritten(release, thief, key=thief.key.id)
    assert "needs one rotation" in problems(release, trusting(signer))["keys.json"]
    own = rings[1].rotated(thief, new_signer(), NOW, compromised=False)
    both = own.model_copy(update={"keys": (signer.key, thief.key)})
    (release / "keys.json").write_text(both.text())
    rewritten(release, thief, key=thief.key.id)
    assert "must be signed by" in problems(release, trusting(signer))["keys.json"]


def test_the_provenance_of_another_release(release, signer, tmp_path):
    """It is well signed, and of the very same bytes; but it is of another version."""
    facts = build_facts(version="1.3.0+6", run=6)
    make(tmp_path / "older", site_signer(signer), facts=facts)
    shutil.copy(tmp_path / "older" / STATEMENT, release / STATEMENT)
    rewritten(release, signer)
    found = problems(release, trusting(signer))
    assert list(found) == [STATEMENT]
    assert "the version is '1.3.0+6' instead of '1.4.0+7'" in found[STATEMENT]


def test_the_provenance_of_another_file(release, signer):
    shutil.copy(release / "almanac.cdx.json.intoto.jsonl", release / STATEMENT)
    rewritten(release, signer)
    assert "the file is 'almanac.cdx.json'" in problems(release, trusting(signer))[STATEMENT]


def envelope(release, harm, signers):
    """Replace the provenance of the program by a harmed one."""
    content = json.loads((release / STATEMENT).read_text())
    statement = json.loads(base64.b64decode(content["payload"]))
    harm(statement)
    sealed = seal(json.dumps(statement).encode(), content["payloadType"], signers)
    (release / STATEMENT).write_text(json.dumps(sealed))


def test_an_envelope_by_another_key(release, signer):
    envelope(release, lambda _: None, [new_signer()])
    rewritten(release, signer)
    found = problems(release, trusting(signer))[STATEMENT]
    assert "which is not the key of this release" in found


def test_an_envelope_with_two_signatures(release, signer):
    envelope(release, lambda _: None, [signer, new_signer()])
    rewritten(release, signer)
    assert "has 2 signatures" in problems(release, trusting(signer))[STATEMENT]


def put(content, path, value):
    *before, last = path
    for part in before:
        content = content[part]
    content[last] = value


EXTERNAL = ("predicate", "buildDefinition", "externalParameters")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("_type",), "https://in-toto.io/Statement/v0.1", "_type: Input should be"),
        (("predicateType",), "https://slsa.dev/provenance/v0.2", "predicateType: Input should be"),
        (("predicate", "buildDefinition", "buildType"), "urn:x", "buildType: Input should be"),
        (("predicate", "runDetails", "builder", "id"), "https://evil/", "is no site of Slipway"),
        (("subject",), [], "is of 0 files"),
        (("subject", 0, "digest", "sha256"), "0" * 64, "the sha256 is"),
        ((*EXTERNAL, "project"), "other", "the project is 'other'"),
        ((*EXTERNAL, "branch"), "evil\x1b[2J", "the branch is 'evil"),
        ((*EXTERNAL, "hidden"), 1, "hidden: Extra inputs"),
        (("predicate", "buildDefinition", "resolvedDependencies"), [], "the commit is ''"),
        (("predicate", "buildDefinition", "internalParameters", "run"), 6, "the run is '6'"),
    ],
)
def test_a_statement_that_says_something_else(release, signer, path, value, told):
    envelope(release, lambda content: put(content, path, value), [signer])
    rewritten(release, signer)
    found = problems(release, trusting(signer))
    assert list(found) == [STATEMENT]
    assert told in found[STATEMENT]
    assert "\x1b" not in found[STATEMENT]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not readable as JSON"),
        (b"{}\n{}", "has 2 lines"),
        (b'{"payload": "", "payload": ""}', 'has "payload" twice'),
        (b"[" * 9999, "it is no such file"),
        (b"\xff", "is not UTF-8"),
        (b'{"payload": "", "payloadType": "text/x", "signatures": []}', 'holds "text/x"'),
    ],
)
def test_an_envelope_that_is_none(release, signer, text, told):
    (release / STATEMENT).write_bytes(text)
    rewritten(release, signer)
    found = problems(release, trusting(signer))
    assert list(found) == [STATEMENT]
    assert told in found[STATEMENT]


@pytest.mark.parametrize("name", ["committed_at", "published_at"])
def test_a_time_without_a_zone_in_the_manifest(release, signer, name):
    """It cannot be compared with that of a policy."""
    content = json.loads((release / "release.json").read_text())
    text = json.dumps(content | {name: "2026-11-29T12:00:00"})
    (release / "release.json").write_text(text)
    (release / "release.json.sig").write_bytes(signer.sign(text.encode()))
    policy = Policy.model_validate({"published_after": "2026-11-01T00:00:00Z"})
    found = problems(release, trusting(signer, policy=policy))
    assert f"{name}: Input should have timezone info" in found["release.json"]


def test_a_name_twice_in_the_manifest(release, signer):
    text = (release / "release.json").read_text()
    twice = text.replace('"project":', '"version": "9.9", "project":', 1)
    (release / "release.json").write_text(twice)
    (release / "release.json.sig").write_bytes(signer.sign(twice.encode()))
    assert 'has "version" twice' in problems(release, trusting(signer))["release.json"]
    content = json.loads(text)
    content["artefacts"].append({**content["artefacts"][0], "sha256": "0" * 64})
    (release / "release.json").write_text(json.dumps(content))
    assert "twice" in problems(release, trusting(signer))["release.json"]


def test_no_provenance_at_all(release, signer):
    content = json.loads((release / "release.json").read_text())
    left = [one for one in content["evidence"] if one["name"] != STATEMENT]
    (release / STATEMENT).unlink()
    rewritten(release, signer, evidence=left)
    assert "is missing" in problems(release, trusting(signer))[STATEMENT]


@pytest.mark.skipif(os.name != "posix", reason="links are no usual thing on Windows")
@pytest.mark.parametrize("name", [PROGRAM, STATEMENT, "keys.json", "release.json.sig"])
def test_links(release, signer, name, tmp_path):
    (release / name).rename(tmp_path / "elsewhere")
    (release / name).symlink_to(tmp_path / "elsewhere")
    assert "link" in problems(release, trusting(signer))[name]


@pytest.mark.parametrize("name", ["SHA256SUMS.sig", STATEMENT, "keys.json", "release.json.sig"])
def test_huge_files(release, signer, name):
    with (release / name).open("r+b") as stream:
        stream.truncate(1 << 34)  # of which the disk has nothing
    found = problems(release, trusting(signer))[name]
    assert "larger than" in found or "altered: 17,179,869,184 instead of" in found


def test_a_release_without_a_signature(release, signer):
    shutil.rmtree(release)
    make(release, None)
    found = problems(release, trusting(signer))
    assert "is not signed, so anybody could have made it" in found["release.json"]
    assert problems(release, trusting(signer, unsigned=True)) == {}
    told = {one.name: one.note for one in examine(Found(release), trusting(signer, unsigned=True))}
    assert told["release.json"].startswith("NOT SIGNED")


def test_a_signature_taken_away(release, signer):
    for name in ("release.json.sig", "SHA256SUMS.sig", "keys.json"):
        (release / name).unlink()
    evidence = [
        one
        for one in json.loads((release / "release.json").read_text())["evidence"]
        if one["name"] == STATEMENT
    ]
    rewritten(release, key="", evidence=evidence, local=True)
    assert "is not signed" in problems(release, trusting(signer))["release.json"]


def test_a_key_whose_time_is_over(release, signer):
    late = (signer.key.valid_until + timedelta(days=1)).isoformat()
    rewritten(release, signer, published_at=late)
    assert (
        "whose last day was 2027-11-29" in problems(release, trusting(signer))["release.json.sig"]
    )
    rewritten(release, signer, published_at="2020-01-01T00:00:00Z")
    assert "whose first day was" in problems(release, trusting(signer))["release.json.sig"]


def rotated(old, *, compromised=False):
    new = new_signer()
    ring = site_signer(old).ring.rotated(old, new, NOW + timedelta(days=1), compromised=compromised)
    return SiteSigner(ring, new)


def test_rotation_keeps_older_releases_good(release, signer, tmp_path):
    turned = rotated(signer)
    later = NOW + timedelta(days=2)
    make(tmp_path / "newer", turned, published_at=later)
    # Who knows the older key, and who knows the newer one's keys.json.
    assert problems(tmp_path / "newer", trusting(signer)) == {}
    known = KnownKeys(frozenset(turned.ring.trusted([turned.signer.key.id])))
    assert problems(release, Trust(known, now=later)) == {}


def test_the_keys_beside_releases_lead_from_the_newest_to_older_ones(release, signer):
    """An older release knows nothing of the key that came after it; the site's keys.json does."""
    turned = rotated(signer)
    pin = trusting(turned.signer)
    assert "none of the keys that are known" in problems(release, pin)["release.json.sig"]
    (release.parent / "keys.json").write_text(turned.ring.text())
    assert problems(release, pin) == {}
    # The pointer is signed anew by the newest key, and who knows the older one follows.
    pointed(release.parent, turned.signer)
    assert problems(release, trusting(signer), release.parent / "latest.json") == {}
    assert problems(release, pin, release.parent / "latest.json") == {}
    # What a thief writes there adds nothing.
    thief = new_signer()
    (release.parent / "keys.json").write_text(site_signer(thief).ring.text())
    assert "release.json.sig" in problems(release, trusting(thief))
    assert problems(release, trusting(signer)) == {}
    (release.parent / "keys.json").write_text("{")
    assert problems(release, trusting(signer)) == {}


def test_the_keys_beside_releases_tell_of_a_theft(release, signer):
    turned = rotated(signer, compromised=True)
    (release.parent / "keys.json").write_text(turned.ring.text())
    found = problems(release, trusting(turned.signer))
    assert "is revoked" in found["release.json.sig"]


def test_an_older_key_signs_nothing_after_its_rotation(signer, tmp_path):
    turned = rotated(signer)
    make(tmp_path / "x", turned, published_at=NOW + timedelta(days=2))
    rewritten(tmp_path / "x", signer, key=signer.key.id)
    found = problems(tmp_path / "x", trusting(turned.signer))
    assert "whose last day was 2026-11-30" in found["release.json.sig"]


def test_a_stolen_key_signs_nothing(release, signer):
    turned = rotated(signer, compromised=True)
    known = KnownKeys(frozenset({turned.signer.key.id}), revoked=frozenset({signer.key.id}))
    assert "is revoked" in problems(release, Trust(known, now=NOW))["release.json.sig"]


# ---- served as the newest


def pointed(project, signer, version="1.4.0+7", run=7, ends=None, **more):
    digest = sha256((project / version / "release.json").read_bytes()).hexdigest()
    said = {
        "project": "almanac",
        "version": version,
        "run": run,
        "manifest": {"path": f"{version}/release.json", "sha256": digest},
    } | more
    (project / "latest.json").write_text(json.dumps(sign_pointer(said, signer, NOW, ends)))


def test_the_newest_is_the_newest(release, signer):
    pointed(release.parent, signer)
    found = find(release.parent)
    assert problems(found.folder, trusting(signer), found.pointer) == {}


def test_an_older_release_in_the_place_of_the_newest(release, signer):
    """The pointer is right, and what lies there is another release, well signed."""
    pointed(release.parent, signer)
    shutil.rmtree(release)
    make(release, site_signer(signer), facts=build_facts(version="1.3.0+6", run=6))
    found = problems(release, trusting(signer), release.parent / "latest.json")
    assert "points at almanac 1.4.0+7 of run 7, and what is served" in found["latest.json"]


def test_an_older_pointer(release, signer):
    pointed(release.parent, signer, ends=NOW + timedelta(minutes=30))
    found = problems(release, trusting(signer), release.parent / "latest.json")
    assert "has expired" in found["latest.json"]
    pointed(release.parent, signer)
    old = trusting(signer, policy=Policy(newest_known_run=8))
    assert "an older release is served" in problems(release, old)["release.json"]
    assert "an older" in problems(release, trusting(signer, newest_run=8))["release.json"]


def test_the_pointer_of_a_channel_in_the_place_of_the_newest(release, signer):
    """It is signed by the site, and fresh: but a channel may stand at an older release."""
    pointed(release.parent, signer, channel="stable")
    found = problems(release, trusting(signer), release.parent / "latest.json")
    assert list(found) == ["latest.json"]
    assert "is the pointer of the channel stable" in found["latest.json"]


def test_a_pointer_that_nobody_signed_or_is_not_there(release, signer):
    pointer = release.parent / "latest.json"
    assert "is missing" in problems(release, trusting(signer), pointer)["latest.json"]
    pointer.write_text('{"version": "1.4.0+7"}')
    assert "is not signed" in problems(release, trusting(signer), pointer)["latest.json"]
    pointed(release.parent, new_signer())
    assert "is not the key" in problems(release, trusting(signer), pointer)["latest.json"]


# ---- bills of materials, and the policy


@pytest.mark.parametrize(
    ("bill", "told"),
    [
        ({"bomFormat": "SPDX"}, "is no CycloneDX document"),
        ([], "is no CycloneDX document"),
        (BILL | {"specVersion": "9"}, "unknown version '9'"),
        (BILL | {"components": [1]}, "its components are none"),
        (BILL | {"components": 7}, "its components are none"),
        (
            BILL
            | {
                "components": [
                    {
                        "name": "x",
                        "components": [
                            {
                                "name": PROGRAM,
                                "hashes": [{"alg": "SHA-256", "content": "0" * 64}],
                            }
                        ],
                    }
                ]
            },
            f"says of the released {PROGRAM} that its sha256 is 0000",
        ),
    ],
)
def test_a_bill_that_is_none_or_lies(tmp_path, signer, bill, told):
    files = {PROGRAM: b"the program", "almanac.cdx.json": json.dumps(bill).encode()}
    make(tmp_path / "x", site_signer(signer), files)
    found = problems(tmp_path / "x", trusting(signer))
    assert list(found) == ["almanac.cdx.json"]
    assert told in found["almanac.cdx.json"]


def test_a_bill_that_agrees(tmp_path, signer):
    digest = sha256(b"the program").hexdigest()
    part = {"name": PROGRAM, "hashes": [{"alg": "SHA-256", "content": digest.upper()}]}
    bill = BILL | {"components": [part]}
    files = {PROGRAM: b"the program", "almanac.cdx.json": json.dumps(bill).encode()}
    make(tmp_path / "x", site_signer(signer), files)
    assert problems(tmp_path / "x", trusting(signer)) == {}


@pytest.mark.parametrize(
    ("policy", "name", "told"),
    [
        ({"builder": "https://evil.example.org/"}, STATEMENT, "the builder is"),
        ({"source": "https://git.example.org/x.git"}, STATEMENT, "the source is"),
        ({"branches": ["release/*"]}, STATEMENT, "the branch is main"),
        ({"minimum_level": 3}, STATEMENT, "the level is 2"),
        ({"parameters": {"stages.freeze.uses": "command"}}, STATEMENT, "stages.freeze.uses is"),
        ({"parameters": {"stages.nowhere.x": 1}}, STATEMENT, "is None"),
        ({"project": "other"}, "release.json", "is of the project almanac"),
        ({"published_after": "2026-12-01T00:00:00Z"}, "release.json", "wants a newer one"),
    ],
)
def test_what_a_policy_does_not_allow(release, signer, policy, name, told):
    found = problems(release, trusting(signer, policy=Policy.model_validate(policy)))
    assert told in found[name]


def test_what_a_policy_allows(release, signer):
    policy = {
        "project": "almanac",
        "builder": "https://ci.example.org/",
        "source": "https://git.example.org/almanac.git",
        "branches": ["release/*", "main"],
        "minimum-level": 2,
        "newest-known-run": 7,
        "published-after": "2026-11-01T00:00:00Z",
        "parameters": {"stages.freeze.uses": "freeze", "parameters.archive.reason": "the fair"},
    }
    assert problems(release, trusting(signer, policy=Policy.model_validate(policy))) == {}
