"""Errors about secrets in pipeline.toml: they never show what may be the secret itself."""

import pytest

from slipway.config import ConfigProblems, parse

SITE = """[project.d]
repository = "x"
[project.d.stages.a]
uses = "command"
argv = ["x"]
{}
[workers.w]
{}
"""
PLACES = "write where it is kept: {{ env = "
TABLE = "[project.d.stages.a.secrets]\n"


@pytest.mark.parametrize(
    ("written", "worker", "told"),
    [
        (TABLE + 'TOKEN = "hunter2"', "", "7: project.d.stages.a.secrets.TOKEN: write where it is"),
        (TABLE + 'TOKEN = ["hunter2"]', "", "7: project.d.stages.a.secrets.TOKEN: write where it"),
        ('secrets = "hunter2"', "", "6: project.d.stages.a.secrets: write where it is kept"),
        (TABLE + 'T = { command = "hunter2" }', "", "7: project.d.stages.a.secrets.T.command: w"),
        (TABLE + 'T = { command = "hunter2 x" }', "", "never the secret"),
        (TABLE + 'T = { env = ["hunter2"] }', "", "7: project.d.stages.a.secrets.T.env: write w"),
        (TABLE + 'T = { value = "hunter2" }', "", 'unknown key "value". Allowed: branches, comma'),
        (TABLE + 'T = { env = "A", branchs = [] }', "", 'Did you mean "branches"?'),
        (TABLE + 'T = { env = "A", file = "b" }', "", "7: project.d.stages.a.secrets.T: write one"),
        (TABLE + '"T-1" = { env = "A" }', "", "the name of an environment variable: letters, dig"),
        ("", 'password = "hunter2"', "8: workers.w.password: write where it is kept: { env = "),
        ("", 'password = { command = "hunter2" }', "8: workers.w.password.command: write where i"),
        ("", "password = { command = [] }", "8: workers.w.password.command: "),
    ],
)
def test_the_sentence_names_the_key_and_never_the_value(written, worker, told):
    with pytest.raises(ConfigProblems) as raised:
        parse(SITE.format(written, worker))
    assert told in str(raised.value)
    assert "hunter2" not in str(raised.value)
