"""What goes wrong with Confluence ends in one sentence, and in nothing half there."""

import json

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.outgoing import OutgoingStream, Pointers
from tests.support.confluence import standin
from tests.support.confluence.routes import Answer
from tests.support.release_targets import Told, Unhurried, bring, content

from .wikis import KINDS, never_half, place, shown, target


@pytest.fixture(params=KINDS)
def wiki(request):
    with standin(request.param) as made:
        yield made


@pytest.fixture
def there(wiki, tmp_path):
    made = place(wiki, tmp_path)
    made.files = {"almanac.zip": b"zip"}
    return made


def refused(there, match: str, **options) -> None:
    with pytest.raises(StageFailed, match=match) as caught:
        bring(there, there.release("1.0.0"), **options)
    text = str(caught.value)
    assert text.isprintable()
    assert not there.readers_see("1.0.0")


def check(wiki, tmp_path, **changes):
    one = target(wiki, tmp_path, "1.0.0", **changes)
    try:
        one.check("1.0.0", None)
    finally:
        one.close()


def test_a_wrong_token_is_told_and_not_repeated(wiki, tmp_path):
    with pytest.raises(StageFailed, match=r"401 .*; the account or its token is wrong") as caught:
        check(wiki, tmp_path, token="wrong-token-1618")
    assert "1618" not in str(caught.value)
    assert wiki.changes == 0


@pytest.mark.parametrize("token", ["", "two\nlines", "Grüße"])
def test_a_token_that_no_header_can_carry_is_told_before_anything_is_sent(wiki, tmp_path, token):
    with pytest.raises(WrongInput, match="the secret CONFLUENCE_TOKEN is empty, or holds what no"):
        target(wiki, tmp_path, "1.0.0", token=token or " ")
    assert wiki.requests == []


def test_a_token_in_what_a_server_says_is_masked(wiki, there):
    def echo(request):
        return Answer(400, {"message": f"bad: {request.headers['Authorization']}"})

    wiki.override = echo
    with pytest.raises(StageFailed, match=r"\*\*\*") as caught:
        bring(there, there.release("1.0.0"))
    assert wiki.edition.token not in str(caught.value)
    assert wiki.edition.authorization.partition(" ")[2] not in str(caught.value)


def test_an_unknown_space_and_an_unknown_parent_are_told(wiki, tmp_path):
    with pytest.raises(StageFailed, match='has no space "NONE" that the account can see'):
        check(wiki, tmp_path, space="NONE")
    for parent in ("No such page", "4711"):
        with pytest.raises(StageFailed, match=f'has no page "{parent}" that the account can see'):
            check(wiki, tmp_path, parent=parent)


def test_a_missing_right_is_told_before_anything_is_written(tmp_path):
    with standin("cloud") as wiki:
        wiki.edition.operations.remove(("create", "attachment"))
        with pytest.raises(StageFailed, match="may not create attachments in the space REL"):
            check(wiki, tmp_path)


def test_a_page_may_not_be_written_where_the_right_is_learnt_late(wiki, there):
    wiki.site.may_write = False
    refused(there, "403 .*; the account must be allowed to add and edit pages and attachments")


def test_read_only_mode_is_told(wiki, there):
    wiki.site.is_read_only = True
    refused(there, "read-only mode: run it again when that has ended")


def test_a_header_that_a_proxy_drops_is_told(wiki, there):
    def drop(request):
        del request.headers["X-Atlassian-Token"]

    wiki.override = drop
    refused(there, "XSRF check failed; a proxy before it drops the header X-Atlassian-Token")


def test_a_file_that_is_too_large_is_told(wiki, there):
    there.files = {"almanac.zip": b"z" * 2000}
    wiki.site.longest_file = 1999
    refused(there, "almanac.zip .*413 .*; it is larger than this Confluence takes")


def test_cloud_calls_a_file_that_is_too_large_not_found(wiki, there):
    def answer(request):
        return Answer(404, {"message": "nothing"}) if request.parts else None

    wiki.override = answer
    refused(there, "either the file is larger than this Confluence takes, or the page is gone")


def test_a_sign_in_page_with_status_200_is_no_answer(wiki, there):
    page = Answer(200, data=b"<html>sign in</html>", headers={"Content-Type": "text/html"})
    wiki.override = lambda _request: page
    refused(there, "a web page answers instead of Confluence's API; a proxy or a single sign-on")


def test_a_way_to_a_sign_in_page_is_no_answer(wiki, there):
    to = "https://sso.example.org/login?token=secret"
    wiki.override = lambda _request: Answer(302, headers={"Location": to})
    with pytest.raises(StageFailed, match=r"it sends us to https://sso\.example\.org/login inst"):
        bring(there, there.release("1.0.0"))


def test_a_sign_in_page_instead_of_a_file_is_told(wiki, there):
    def answer(request):
        if "/download" in request.path:
            return Answer(200, data=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"})
        return None

    wiki.override = answer
    refused(there, r"reading almanac\.zip .*: a web page answers instead of Confluence's API")


def test_something_else_than_confluence_is_told(wiki, there):
    for said in ({"results": "none"}, [1], "text", {"results": [{"id": "../../x"}]}):
        wiki.override = lambda _request, said=said: Answer(200, said)
        refused(there, r"^[^\n]{20,900}$")


def test_an_answer_that_cannot_be_read_is_told(wiki, there):
    kind = {"Content-Type": "application/json"}
    for data in (b"{", b"", b"\xff\xfe", b"[" * 100_000):
        wiki.override = lambda _request, data=data: Answer(200, data=data, headers=kind)
        refused(there, "it answers with something that is no JSON|does not tell")
    packed = kind | {"Content-Encoding": "gzip"}
    wiki.override = lambda _request: Answer(200, data=b"no gzip", headers=packed)
    refused(there, "failed: .*tried again 10 times")


def test_429_for_an_hour_is_waited_out_as_it_asks(wiki, there):
    left = [8]

    def busy(_request):
        left[0] -= 1
        return Answer(429, {"message": "slow"}, {"Retry-After": "600"}) if left[0] >= 0 else None

    wiki.override = busy
    release, clock = there.release("1.0.0"), Unhurried()
    bring(there, release, clock=clock)
    assert dict(there.readers_see("1.0.0")) == content(release)
    assert sum(clock.waits) >= 7 * 600


def test_429_and_5xx_without_an_end_are_given_up(wiki, there):
    for code in (429, 500, 503):
        wiki.override = lambda _request, code=code: Answer(code, {"message": "later"})
        refused(there, f"{code}.*tried again 10 times", clock=Unhurried())


def test_a_conflict_is_solved_by_the_next_try(wiki, there):
    """Somebody edits the page between reading its version and writing it."""
    left = [2]

    def meddle(request):
        if request.method == "PUT" and "version" in (request.json or {}) and left[0]:
            left[0] -= 1
            for page in wiki.site.pages.values():
                page.version += 1

    wiki.override = meddle
    release = there.release("1.0.0")
    bring(there, release)
    assert left == [0]
    assert dict(there.readers_see("1.0.0")) == content(release)


def test_a_page_of_somebody_else_is_neither_taken_nor_changed(wiki, there, tmp_path):
    page = wiki.site.create("ALMANAC 1.0.0", "<p>mine</p>", None)
    with pytest.raises(StageFailed, match=r'a page "ALMANAC 1\.0\.0" already, which is no rel'):
        check(wiki, tmp_path)
    with pytest.raises(StageFailed, match="already, which is no release of almanac"):
        bring(there, there.release("1.0.0"))
    assert (page.body, page.version, page.files) == ("<p>mine</p>", 1, {})


def test_a_page_that_the_account_cannot_see_is_told(wiki, there):
    """Another account's page, or one in the trash of a trash."""
    wiki.site.titled = lambda _title: wiki.site.create
    refused(there, r"says that the title .* is taken, by a page that the account cannot see")


def test_a_newest_page_of_somebody_else_is_told_at_the_start(wiki, tmp_path):
    wiki.site.create("Almanac, newest", "<p>mine</p>", None)
    with pytest.raises(StageFailed, match="which is not the one of the newest release of almanac"):
        check(wiki, tmp_path, latest_title="Almanac, newest")


def test_a_site_without_restrictions_shows_nothing_before_it_is_whole(wiki, there, tmp_path):
    wiki.site.has_restrictions = False
    refused(there, "has no restrictions of pages, as Cloud's free plan; with private = false")
    open_ = place(wiki, tmp_path / "open", private=False)
    open_.files = there.files
    release = open_.release("1.0.0")
    bring(open_, release)
    assert dict(open_.readers_see("1.0.0")) == content(release)
    titles = [page.title for page in wiki.site.pages.values()]
    assert titles == ["almanac 1.0.0"]


def test_without_restrictions_a_page_has_its_name_only_when_it_is_whole(wiki, tmp_path):
    made = place(wiki, tmp_path, private=False)
    names = {*made.files, "SHA256SUMS", "release.json"}

    def watch(site):
        for page in site.seen():
            if page.title == "almanac 1.0.0":
                assert set(page.files) == names
                assert "not whole yet" not in page.body

    wiki.watch = watch
    bring(made, made.release("1.0.0"))
    assert shown(wiki, "almanac 1.0.0")


def test_an_older_data_center_is_asked_in_its_own_way(tmp_path):
    with standin("data-center") as wiki:
        wiki.edition.be_older()
        made = place(wiki, tmp_path)
        never_half(wiki, {*made.files, "SHA256SUMS", "release.json"})
        release = made.release("1.0.0")
        bring(made, release)
        assert dict(made.readers_see("1.0.0")) == content(release)


def test_the_token_goes_to_no_other_host(tmp_path):
    with standin("cloud") as wiki:
        made = place(wiki, tmp_path)
        release = made.release("1.0.0")
        bring(made, release)
        assert len(wiki.strangers) >= len(release.files)
        assert all("Authorization" not in headers for headers in wiki.strangers)


def test_a_download_that_leads_round_and_round_ends(wiki, there):
    def answer(request):
        round_ = {"Location": wiki.url + "/download/attachments/1/x"}
        return Answer(302, headers=round_) if "/download" in request.path else None

    wiki.override = answer
    refused(there, "it sends us on more than 5 times")


def test_a_download_to_an_address_of_another_kind_is_refused(wiki, there):
    def answer(request):
        if "/download" in request.path:
            return Answer(302, headers={"Location": "file:///etc/passwd"})
        return None

    wiki.override = answer
    refused(there, "it sends us to file:///etc/passwd, which is not https")


def test_a_page_that_an_administrator_hid_stays_hidden(wiki, there):
    release = there.release("1.0.0")
    bring(there, release)
    page = shown(wiki, "almanac 1.0.0")
    page.readers = {"admins"}
    bring(there, release)
    assert page.readers == {"admins"}


def test_what_was_deleted_from_a_page_is_brought_again(wiki, there):
    release = there.release("1.0.0")
    bring(there, release)
    del shown(wiki, "almanac 1.0.0").files["almanac.zip"]
    again, _ = bring(there, release)
    assert again.staged == ["almanac.zip"]
    assert dict(there.readers_see("1.0.0")) == content(release)


def test_half_of_another_release_that_nobody_sees_is_not_mixed_with_this_one(wiki, there):
    """It died between its title and being shown; then others bytes get the same version."""
    first = there.release("1.0.0")
    with pytest.raises(StageFailed, match="gone"):
        bring(there, first, dying(wiki, there))
    (page,) = wiki.site.pages.values()
    assert page.title == "almanac 1.0.0"
    other = there.release("1.0.0", {"almanac.zip": b"other"})
    with pytest.raises(StageFailed, match=r"another release of 1\.0\.0 was left unseen, half pub"):
        bring(there, other)
    bring(there, first)
    assert dict(there.readers_see("1.0.0")) == content(first)


def dying(wiki, _there):
    """Have a run die before it shows the page."""

    def change(watched):
        def show(_page):
            raise StageFailed("gone")

        watched._inner._wiki.show = show

    return change


def test_two_releases_of_one_version_at_once_never_mix(wiki, there):
    """The second comes while the first is half there: one of them is published, whole."""
    first = there.release("1.0.0")
    second = there.release("1.0.0", {"almanac.zip": b"other", "b.zip": b"b"})

    def between(watched):
        def once(_file):
            watched.on_staged = lambda _file: None
            bring(there, second)

        watched.on_staged = once

    with pytest.raises(StageFailed, match=r"another release of 1\.0\.0; releases never change"):
        bring(there, first, between)
    assert dict(there.readers_see("1.0.0")) == content(second)


def test_a_confluence_may_say_it_in_its_own_language(wiki, there, monkeypatch):
    real = type(wiki.edition).error
    german = "Gibt es schon."
    monkeypatch.setattr(wiki.edition, "error", lambda code, _text: real(wiki.edition, code, german))
    test_two_runs_of_the_same_release_at_once_make_one(wiki, there)


def test_two_runs_of_the_same_release_at_once_make_one(wiki, there):
    there.files = {"a.zip": b"a", "b.zip": b"b"}
    release = there.release("1.0.0")

    def between(watched):
        def once(_file):
            watched.on_staged = lambda _file: None
            bring(there, release)

        watched.on_staged = once

    bring(there, release, between)
    assert dict(there.readers_see("1.0.0")) == content(release)
    page = shown(wiki, "almanac 1.0.0")
    assert all(len(file.versions) == 1 for file in page.files.values())
    assert len(wiki.site.pages) == 1


def test_hostile_names_of_files_go_to_one_attachment_each(wiki, there):
    names = ["a&b;.zip", "it's ]] it.txt", "a+b=c.zip", "%2e%2e%2f.txt", "Grüße ☃.txt", "x" * 150]
    there.files = {name: name.encode() for name in names}
    release = there.release("1.0.0")
    bring(there, release)
    assert dict(there.readers_see("1.0.0")) == content(release)


def test_hostile_versions_stay_titles(wiki, there, tmp_path):
    quotes = ('1" or space = "ALL', "1' OR title ~ '*", "1]]>&amp;")
    for version in (*quotes, "1&title=x", "1#x?y", "1%00"):
        release = there.release(version)
        one = target(wiki, tmp_path, version)
        one.check(version, None)
        one.look(release)
        for file in release.files:
            with OutgoingStream(file) as stream:
                one.stage(file, stream)
        one.commit(release)
        one.close()
        assert shown(wiki, f"almanac {version}"), version


def test_a_title_that_is_too_long_is_told_at_the_start(wiki, tmp_path):
    one = target(wiki, tmp_path, "1")
    with pytest.raises(WrongInput, match=r"page-title: .* has 308 letters; Confluence takes"):
        one.check("1" * 300, None)
    one.close()


def test_a_template_that_fails_publishes_nothing(wiki, tmp_path):
    for template, match in (
        ("<p>{{ release.nothing.at_all }}</p>", "template: the page cannot be made: .*nothing"),
        ("<p>{{ 1 / 0 }}</p>", "template: the page cannot be made: division by zero"),
        ("<p>\n{{ release.subject }}", "is XML: line 2: no element found|mismatched tag"),
        ("<p>{{ ''.__class__.__mro__ }}</p>", "template: the page cannot be made: .*unsafe"),
        ("<ac:nothing-such><p></ac:nothing-such>", "mismatched tag"),
        ("{% include '../../target.py' %}", "template: the page cannot be made"),
    ):
        made = place(wiki, tmp_path / match[:5], template=template)
        with pytest.raises((WrongInput, StageFailed), match=match):
            bring(made, made.release("1.0.0"))
    assert wiki.changes == 0
    assert wiki.requests == []


def test_the_newest_release_and_the_channels_have_a_page(wiki, tmp_path):
    made = place(wiki, tmp_path, latest_title="{project}: newest")
    made.files = {"a.zip": b"a"}
    for version in ("1.0.0", "1.1.0"):
        bring(made, made.release(version))
    page = shown(wiki, "almanac: newest")
    assert 'ri:content-title="almanac 1.1.0"' in page.body
    assert 'ri:filename="a.zip"' in page.body
    assert page.version == 3
    bring(made, made.release("1.1.0"))
    assert page.version == 3
    one = target(wiki, tmp_path, "1.1.0", latest_title="{project}: newest")
    one.look(made.release("1.1.0"))
    one.point(Pointers("1.1.0", {"beta": "1.1.0", "stable": "1.0.0", "old": "0.9.0"}))
    one.close()
    assert 'ri:content-title="almanac 1.0.0"' in page.body
    assert "almanac 0.9.0" not in page.body
    assert "0.9.0" in page.body
    assert json.loads(json.dumps(page.properties["slipway-release"][2]))["state"] == "newest"
    assert Told().events == []
