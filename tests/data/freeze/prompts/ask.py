from prompt_toolkit import PromptSession
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

with create_pipe_input() as given:
    given.send_text("yes\n")
    print("typed", PromptSession(input=given, output=DummyOutput()).prompt("> "))
