"""What goes wrong at a bucket: each is one sentence, nothing is half there, it goes on later."""

import builtins
import contextlib
import hashlib
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, Stopped, WrongInput
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import OutgoingStream
from slipway.scripts.releases.target import TryAgain
from tests.support.release_targets import Told, Unhurried, bring, content
from tests.support.s3 import servers
from tests.support.s3.certificates import certificate
from tests.support.s3.proxy import Answer, standing_before

PART = 128 << 10
BIG = os.urandom(5 * PART)


def refused(site, match, *, kind=StageFailed, **changes):
    """Check that the preflight says so, in one sentence without secrets; nothing is there."""
    with pytest.raises(kind, match=match) as caught:
        site.target(**changes).check("1.0.0", 10)
    assert type(caught.value) is kind
    told = str(caught.value)
    assert "\n" not in told
    assert len(told) < 700
    assert servers.SECRET not in told
    assert servers.KEY_ID not in told
    return told


def test_a_wrong_secret_key(strict):
    strict.env["S3_SECRET_KEY"] = "wrong/key+of-the-tests-0123456789abcdefg"
    told = refused(strict, "see the key of the secrets S3_KEY_ID and S3_SECRET_KEY")
    assert strict.env["S3_SECRET_KEY"] not in told


def test_an_unknown_key(strict):
    strict.env["S3_KEY_ID"] = "AKIDUNKNOWN000000000"
    refused(strict, "does not know the access key; see the key of the secrets S3_KEY_ID and")


def test_a_missing_secret(site):
    site.env.pop("S3_SECRET_KEY")
    refused(site, "the stage has no secret S3_SECRET_KEY, or it is empty", kind=WrongInput)


def test_a_clock_that_is_wrong(strict, monkeypatch):
    late = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_a, **_k: late)
    refused(strict, r"this machine's clock and that of localhost:\d+ differ .*set it right, by NTP")


@pytest.mark.parametrize("kind", ["site", "strict"])
def test_no_such_bucket(request, kind):
    site = request.getfixturevalue(kind)
    refused(site, 'there is no bucket "no-such-bucket" at localhost', bucket="no-such-bucket")


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (
            Answer(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-3</Region>"),
            'is in another region of .*: write region = "eu-west-3"',
        ),
        (
            Answer(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-3"}),
            'is in another region of .*: write region = "eu-west-3"',
        ),
        (Answer(301, "PermanentRedirect"), "sends to another place and names none: correct region"),
        (Answer(403, "AccessDenied"), r"\(s3:ListBucket\): .* does not allow it"),
        (Answer(400, "ExpiredToken"), "is no longer valid at .*; give the key of the secrets"),
        (Answer(400, "InvalidToken"), "refuses the session's token"),
        (Answer(507, "XMinioStorageFull"), "has no room left for it"),
        (Answer(403, "QuotaExceeded"), "has no room left for it"),
        (Answer(418, "Teapot", "I am \x85 a\nteapot"), "answers 418 Teapot: I am a teapot"),
        (Answer(501, "NotImplemented"), "answers 501 NotImplemented"),
    ],
    ids=lambda one: one.code if isinstance(one, Answer) else "",
)
def test_what_a_person_must_mend(site, answer, match):
    site.proxy.refuse = lambda _request: answer
    refused(site, match)


@pytest.mark.parametrize(
    ("method", "arguments", "right"),
    [
        ("POST", "uploads", "s3:PutObject"),
        ("DELETE", "uploadId", "s3:AbortMultipartUpload"),
        ("GET", "list-type", "s3:ListBucket"),
    ],
)
def test_a_right_that_is_missing_is_named_before_anything_is_written(
    site, method, arguments, right
):
    site.proxy.refuse = lambda one: (
        Answer(403, "AccessDenied", "Access Denied")
        if one.method == method and arguments in one.query
        else None
    )
    refused(site, f"{right}.*does not allow it .*give that right to the key of the secrets")
    assert site.stored("1.0.0") == {}


def test_the_right_to_read_is_missed_and_nothing_is_seen(site):
    site.proxy.refuse = lambda one: (
        Answer(403, "AccessDenied") if one.method == "GET" and one.key else None
    )
    release = site.place().release("1.0.0")
    with pytest.raises(StageFailed, match=r"reading .* back \(s3:GetObject\): .*does not allow"):
        bring(site.place(), release)
    assert site.readers_see("1.0.0") == {}
    site.proxy.refuse = lambda _one: None
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(503, "SlowDown", headers={"Retry-After": "17"}), 17),
        (Answer(429, "TooManyRequests", headers={"Retry-After": "99"}), 99),
        (Answer(500, "InternalError"), 10),
        (Answer(503, "", headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1),
        (Answer(409, "ConditionalRequestConflict"), 10),
        (Answer(400, "RequestTimeout"), 10),
        (Answer(400, "BadDigest"), 10),
    ],
)
def test_what_passes_by_itself_is_waited_for(site, answer, wait):
    release = site.place().release("1.0.0")
    told = [0]

    def refuse(one):
        if one.writes and told[0] < 3:
            told[0] += 1
            return answer
        return None

    site.proxy.refuse = refuse
    clock = Unhurried()
    bring(site.place(), release, clock=clock)
    assert clock.waits[0] == wait
    assert site.readers_see("1.0.0") == content(release)


def test_an_hour_of_429_ends_with_a_sentence_and_goes_on_later(site, small_parts):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    busy = Answer(429, "SlowDown", "Reduce your request rate.", headers={"Retry-After": "360"})
    site.proxy.refuse = lambda one: busy if one.writes else None
    clock, told = Unhurried(), Told()
    with pytest.raises(
        StageFailed, match=r"answers 429 SlowDown: Reduce .*was tried again 10 times"
    ):
        bring(site.place(), release, clock=clock, report=told)
    assert sum(clock.waits) == 3600
    assert site.stored("1.0.0") == {}
    site.proxy.refuse = lambda _one: None
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)


def test_a_200_that_holds_an_error_is_none(site, small_parts):
    """Amazon answers 200 to the last request at once, and may say "InternalError" in it."""
    release = site.place().release("1.0.0", {"big.zip": BIG})
    told = []

    def refuse(one):
        if one.method == "POST" and "uploadId" in one.query and not told:
            told.append(one)
            return Answer(200, "InternalError", "We encountered an internal error.")
        return None

    site.proxy.refuse = refuse
    bring(site.place(), release)
    assert told
    assert site.readers_see("1.0.0") == content(release)
    assert site.proxy.sent() == release.size


@pytest.mark.parametrize("name", ["almanac.zip", "big.zip", "SHA256SUMS"])
def test_a_server_that_stores_other_bytes_is_found_out(site, small_parts, name):
    release = site.place().release("1.0.0", {"big.zip": BIG, "almanac.zip": b"zip"})

    def lie(one):
        return b"L" + one.body[1:] if one.writes and one.key.endswith(name) else one.body

    site.proxy.alter = lie
    told = Told()
    with pytest.raises(StageFailed, match=rf"does not hold what was written: {name} has sha256"):
        bring(site.place(), release, report=told)
    assert site.readers_see("1.0.0") == {}
    assert FileState.VERIFIED not in told.states().get(name, [])
    # Nothing is overwritten, not even that: a person sees to it.
    site.proxy.alter = lambda one: one.body
    with pytest.raises(StageFailed, match=f'has another "{name}" of 1.0.0, and nothing is over'):
        bring(site.place(), release)
    site.s3.delete_object(Bucket=site.bucket, Key=f"of/us/almanac/1.0.0/{name}")
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)


def test_a_release_json_that_is_stored_otherwise_is_found_out(site):
    release = site.place().release("1.0.0")
    site.proxy.alter = lambda one: (
        b"[]" if one.writes and one.key.endswith("release.json") else one.body
    )
    with pytest.raises(StageFailed, match=r"readers get other bytes.*release\.json"):
        bring(site.place(), release)


def test_a_server_that_sends_without_end_is_left(site):
    release = site.place().release("1.0.0", {"a.zip": b"zip"})
    target = site.target(release)
    site.s3.put_object(Bucket=site.bucket, Key="of/us/almanac/1.0.0/a.zip", Body=b"z" * 5_000_000)
    with pytest.raises(
        StageFailed, match=r"reading a\.zip back .* has more than the 3 bytes of it"
    ):
        list(target.read_back(release.files[0]))


def test_an_answer_that_is_cut_is_asked_for_again(site):
    release = site.place().release("1.0.0", {"a.zip": BIG})
    bring(site.place(), release)
    site.proxy.cut_answers = 200_000
    bring(site.place(), release)
    assert site.proxy.cut_answers is None
    site.proxy.cut_answers = 200_000
    with pytest.raises(TryAgain, match="cannot be reached"):
        list(site.target(release).read_back(release.files[0]))


def test_half_of_another_release_is_left_alone(site):
    """Another program, or a release with other files, was cut off there."""
    release = site.place().release("1.0.0")
    other = "of/us/almanac/1.0.0/other.zip"
    site.s3.put_object(Bucket=site.bucket, Key=other, Body=b"other")
    with pytest.raises(
        StageFailed, match=r'has "other\.zip" of another release 1.0.0 that was not'
    ):
        bring(site.place(), release)
    assert set(site.stored("1.0.0")) == {"other.zip"}


def test_another_program_overwrites_a_file_before_the_release_is_shown(strict):
    """This server lets it."""
    release = strict.place().release("1.0.0")
    key = "of/us/almanac/1.0.0/almanac.dump"

    def change(target):
        def on_staged(file):
            if file.name == "SHA256SUMS":
                strict.s3.put_object(Bucket=strict.bucket, Key=key, Body=b"mine")

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match=r'"almanac.dump" of 1.0.0 was changed by another progr'):
        bring(strict.place(), release, change)
    assert strict.readers_see("1.0.0") == {}


@pytest.mark.parametrize("what", ["PUT", "POST"])
def test_a_server_without_conditions_is_asked_without(site, small_parts, what):
    release = site.place().release("1.0.0", {"big.zip": BIG, "a.zip": b"a"})
    site.proxy.refuse = lambda one: (
        Answer(501, "NotImplemented", "A header you provided implies functionality")
        if one.method == what and "if-none-match" in one.headers
        else None
    )
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)
    other = site.place().release("1.0.0", {"big.zip": BIG, "a.zip": b"b"})
    with pytest.raises(StageFailed, match=r'has another "a\.zip"'):
        bring(site.place(), other)
    assert site.readers_see("1.0.0") == content(release)


def test_pages_without_an_end(site, monkeypatch):
    site.proxy.refuse = lambda one: (
        Answer(200, more="") if one.method == "GET" and "list-type" in one.query else None
    )
    monkeypatch.setattr(Answer, "body", ENDLESS)
    release = site.place().release("1.0.0")
    with pytest.raises(StageFailed, match="has no end"):
        site.target(release).look(release)


ENDLESS = (
    b'<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated>'
    b"<NextContinuationToken>again</NextContinuationToken></ListBucketResult>"
)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>hello</html>", b"not xml <", b"\xff\xfe\x00" * 100, b"<Error><Code>x</Code>"],
)
@pytest.mark.parametrize("status", [200, 403, 500])
def test_nonsense_for_an_answer_is_a_sentence(site, monkeypatch, body, status):
    monkeypatch.setattr(Answer, "body", body)
    site.proxy.refuse = lambda _one: Answer(status)
    release = site.place().release("1.0.0")
    target = site.target(release)
    with pytest.raises(SlipwayError) as caught:
        target.check("1.0.0", None)
    assert "\n" not in str(caught.value)
    for call in (
        lambda: target.look(release),
        lambda: list(target.read_back(release.files[0])),
        lambda: target.commit(release),
    ):
        # Some of it is an answer: an empty list, or the bytes of a file.
        with contextlib.suppress(SlipwayError):
            call()


def test_a_secret_that_the_server_repeats_is_not_told(site):
    def repeat(one):
        token = one.headers["x-amz-security-token"]
        return Answer(400, "Odd", f"You sent {token} and {one.headers['authorization']}")

    site.proxy.refuse = repeat
    site.env["TOKEN"] = "session/token+of-tests=="
    told = refused(site, "answers 400 Odd: You sent", session_token="TOKEN")
    assert "session/token" not in told


def test_a_host_that_nobody_knows(site):
    refused(
        site,
        "no-such-host.invalid cannot be reached",
        kind=TryAgain,
        endpoint="https://no-such-host.invalid",
    )


def test_nobody_listens(site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused(site, "cannot be reached", kind=TryAgain, endpoint=f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("days", "trusted", "match"),
    [
        (30, False, "certificate of localhost:.* is not accepted: self-signed cert.*name its auth"),
        (-1, True, "is not accepted: certificate has expired; have it renewed"),
    ],
)
def test_a_certificate_that_is_foreign_or_expired(site, moto_url, days, trusted, match):
    context, pem = certificate(site.folder, "server", days=days)
    with standing_before(moto_url, context) as proxy:
        ca = str(pem) if trusted else None
        refused(site, match, endpoint=proxy.url, ca=ca)


def test_an_authority_of_ones_own(site, moto_url, small_parts):
    context, pem = certificate(site.folder, "server")
    release = site.place().release("1.0.0", {"big.zip": BIG, "a.zip": b"a"})
    with standing_before(moto_url, context) as proxy:
        own = {"endpoint": proxy.url, "ca": str(pem)}
        assert site.target(**own).authorities == str(pem)
        bring(site.place(**own), release)
        assert all(
            one.headers["x-amz-content-sha256"] == hashlib.sha256(one.body).hexdigest()
            for one in proxy.seen
            if one.writes
        )
        assert all("x-amz-checksum-sha256" in one.headers for one in proxy.seen if one.writes)
    assert site.readers_see("1.0.0") == content(release)
    refused(
        site, r"ca: /no/such.pem is no file on this machine", kind=WrongInput, ca="/no/such.pem"
    )


def test_the_file_changes_while_its_parts_are_sent(site, small_parts):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    path = release.files[0].path
    before = path.read_bytes()

    def grow(target):
        def on_read(sent):
            if sent > PART:
                path.write_bytes(before[:-1] + b"!")

        target.on_read = on_read

    with pytest.raises(StageFailed, match=r'"big\.zip" was changed while it was published'):
        bring(site.place(), release, grow)
    assert site.stored("1.0.0") == {}
    path.write_bytes(before)
    bring(site.place(), release)
    assert site.readers_see("1.0.0") == content(release)


def test_a_stopped_stage_ends_at_once_in_all_parts(site, small_parts):
    release = site.place().release("1.0.0", {"big.zip": BIG})
    target = site.target(release)
    target.look(release)

    def stop(_count):
        msg = "stopped"
        raise Stopped(msg)

    with OutgoingStream(release.files[0], stop) as stream, pytest.raises(Stopped):
        target.stage(release.files[0], stream)
    assert site.proxy.sent() == 0


def test_machines_own_keys_and_profiles(strict, monkeypatch, tmp_path):
    home = tmp_path / "aws"
    home.mkdir()
    (home / "credentials").write_text(
        f"[releaser]\naws_access_key_id = {servers.KEY_ID}\n"
        f"aws_secret_access_key = {servers.SECRET}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    strict.env.clear()
    strict.target(credentials="machine", profile="releaser").check("1.0.0", None)
    refused(strict, "this machine has no key for localhost", credentials="machine")
    refused(
        strict,
        r"the settings are not usable .*\(other\) could not be found",
        kind=WrongInput,
        credentials="machine",
        profile="other",
    )


def test_secrets_are_used_whatever_the_machine_has(strict, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEMACHINE0000")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "mars-1")
    strict.target().check("1.0.0", None)


def test_the_library_is_missing(site, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **others):
        if name.partition(".")[0] == "botocore":
            raise ModuleNotFoundError(name, name=name)
        return real(name, *arguments, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingTool, match=r"needs the package botocore; .*'slipway\[s3\]'"):
        site.target().check("1.0.0", None)
