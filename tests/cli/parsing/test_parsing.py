"""The parser of the command line: help, usage and spelling of every command there is."""

import argparse
import shlex

import pytest

from slipway.cli.parsing import parser


def all_commands(reader=None, name="slipway"):
    """Yield every command and every command of a command, with its parser."""
    for action in (reader or parser())._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield f"{name} {word}", below
                yield from all_commands(below, f"{name} {word}")


COMMANDS = dict(all_commands())
LEAVES = [name for name in COMMANDS if not any(one.startswith(f"{name} ") for one in COMMANDS)]


def test_there_are_commands_of_commands():
    assert "slipway gate open" in LEAVES
    assert "slipway gate" not in LEAVES


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_sentence_and_an_example(name):
    reader = COMMANDS[name]
    assert reader.prog == name
    assert reader.description[0].isupper()
    assert reader.description.endswith(".")
    heading, *examples = reader.epilog.splitlines()
    assert heading == ("example:" if len(examples) == 1 else "examples:")
    assert examples
    for line in examples:
        words, _, _ = line.partition(" > ")
        assert words.startswith(f"  {name}")
        options, rest = parser().parse_known_args(shlex.split(words)[1:])
        assert options.reader.prog.startswith(name)
        assert not rest or name == "slipway features"


@pytest.mark.parametrize("name", LEAVES)
def test_an_error_shows_the_command_s_own_usage(place, name):
    words = shlex.split(COMMANDS[name].epilog.splitlines()[1].partition(" > ")[0])[1:]
    if name == "slipway features":
        # All but its own options are behave's.
        words += ["--jobs"]
    code, out, err = place.slipway(*words, "--colour")
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: {name} ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chekc"], 'Did you mean "check"?'),
        (["gate", "opne", "5"], 'Did you mean "open"?'),
        (
            ["check", "--jsno"],
            'slipway check: error: there is no option --jsno. Did you mean "--json"?',
        ),
        (["gate", "list", "--proyect=x"], 'no option --proyect. Did you mean "--project"?'),
        (["stage", "tests", "--settings", "-", "--events", "jsn"], 'Did you mean "json"?'),
        (["runs", "demo"], 'slipway runs: error: "demo" is too much here'),
        (["zzzzzzz"], '"zzzzzzz" is none; there are check, up, '),
    ],
)
def test_a_mistyped_word_is_told(place, words, told):
    code, out, err = place.slipway(*words)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize("words", [[], ["gate"], ["release"], ["token"]])
def test_without_a_command_there_is_help(place, words):
    code, out, err = place.slipway(*words)
    assert (code, err) == (2, "")
    assert out == place.slipway(*words, "--help")[1]
    assert out.startswith(" ".join(["usage: slipway", *words, "["]))


#: What a person at another machine may want, too. The others work on files and programs here.
REMOTE = [
    *("runs", "releases", "show", "logs", "download", "workers", "environments", "audit"),
    *("poll", "trigger", "rerun", "cancel", "deploy", "rollback", "prune"),
    *("gate list", "gate show", "gate open", "gate wait", "gate approve", "gate reject"),
    *("release list", "release show", "release block", "release unblock", "release promote"),
    *("outbox list", "outbox show", "outbox resend", "outbox discard", "notify rules"),
    *("gate freeze", "gate thaw", "token create", "token list", "token revoke", "worker check"),
]
HERE = [
    *("check", "up", "schema", "run", "features", "stage", "verify", "publish", "passwd"),
    *("notify test", "notify preview"),
    "release refresh",
    *("key new", "key show", "key rotate"),
    *("worker new", "worker setup"),
    *("example", "backup", "plugins"),
]


def test_every_command_is_for_this_machine_or_for_others_too():
    assert {name.removeprefix("slipway ") for name in LEAVES} == {*REMOTE, *HERE}


@pytest.mark.parametrize("name", REMOTE)
def test_what_others_may_want_takes_a_url_a_token_and_json(name):
    options = {
        one for action in COMMANDS[f"slipway {name}"]._actions for one in action.option_strings
    }
    assert {"--url", "--token-file", "--json", "--config"} <= options
