"""People and access in pipeline.toml: what is taken, and one sentence for what is not."""

import pytest

from slipway.config import parse
from slipway.config.reading import ConfigProblems

SITE = '[project.demo]\nrepository = "x"\nstages.a = { uses = "tests" }\n[workers.local]\n'
HASH = "$argon2id$v=19$m=19456,t=2,p=1$0JCZUfyTGoktVP0+RFjrMQ$hPkSIJgitdc4Gruysm6hravM+8iEXfrK"


def problems(text):
    with pytest.raises(ConfigProblems) as told:
        parse(SITE + text)
    return [f"{one.path}: {one.message}" for one in told.value.problems]


def test_a_site_without_people_is_open_to_look_at():
    site = parse(SITE)
    assert (site.people, site.access.anonymous, site.access.provider) == ({}, "viewer", "people")


@pytest.mark.parametrize("name", ["ann", "Ann", '"ann@example.org"', '"a.b+c"', "9lives"])
def test_people_are_called_as_elsewhere(name):
    site = parse(f'{SITE}[people.{name}]\npassword = "{HASH}"\nroles = ["developer", "qa"]')
    person = site.people[name.strip('"')]
    assert (person.password, person.roles) == (HASH, ("developer", "qa"))


@pytest.mark.parametrize(
    "word",
    [
        "'my secret'",
        "12345",
        "['x']",
        "'$argon2i$v=19$m=19456,t=2,p=1$0JCZUfyTGoktVP0$hPkSIJgitdc4Gruysm6h'",
        # More memory than a machine has: a sign-in would take the master down.
        "'$argon2id$v=19$m=9999999,t=2,p=1$0JCZUfyTGoktVP0$hPkSIJgitdc4Gruysm6h'",
        "'$argon2id$v=19$m=19456,t=999,p=1$0JCZUfyTGoktVP0$hPkSIJgitdc4Gruysm6h'",
        "'$argon2id$v=19$m=1,t=1,p=1$0JCZUfyTGoktVP0$hPkSIJgitdc4Gruysm6h'",
    ],
)
def test_a_password_that_is_no_hash_is_told_and_not_shown(word):
    (told,) = problems(f"[people.ann]\npassword = {word}")
    assert told == (
        'people.ann.password: is no argon2id hash; write what "slipway passwd NAME" prints, '
        "never the password itself"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[people.Admin]", '"Admin" is the person Slipway makes by itself'),
        ('[people."a b"]', "letters, digits and . _ @ + -"),
        ('[people.ann]\nroles = ["The Boss"]', '"The Boss" does not fit'),
        ('[people.ann]\nemail = "ann"', 'such as "ann@example.org"'),
        ('[people.ann]\nrole = ["viewer"]', 'unknown key "role". Did you mean "roles"?'),
        (
            f'[people.ann]\npassword = "{HASH}"\npassword-from.env = "X"',
            "write one of password, password-from and made-password",
        ),
        ("[people.ann]\npassword-from = {}", '{ env = "NAME" }, { file = "path" }'),
        ('[access]\nanonymous = "all"', 'allowed: "viewer", "none"'),
        ('[access]\nprovider = "github"', "needs client-id and client-secret"),
        (
            '[access]\nprovider = "gitlab"\nclient-id = "x"\nclient-secret.env = "X"',
            'needs server, such as "https://gitlab.com"',
        ),
        ('[access]\nprovider = "proxy-header"', "needs trusted-addresses"),
        ('[access]\ntrusted-addresses = ["me"]', '"me" is no address or network'),
        ('[access]\nheader-pattern = "("', "is no regular expression"),
        ('[access]\nheader-pattern = "(.*)"', "has no group (?P<username>...)"),
        ("[access]\nsession-hours = 0", "0 is not allowed"),
        ("[people]\nann = 3", "3 is not allowed; write a table"),
    ],
)
def test_what_cannot_be_is_told_once(text, told):
    found = problems(text)
    assert len(found) == 1
    assert told in found[0]
