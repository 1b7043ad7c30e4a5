"""What a program missed, by what it printed."""

import pytest

from slipway.scripts.stages.freeze.clean_room.explanation import explain

IN_SUBPROCESS = """\
  File "subprocess.py", line 1955, in _execute_child
    raise child_exception_type(errno_num, err_msg, err_filename)
FileNotFoundError: [Errno 2] No such file or directory: 'git'
"""


ZONES = "/usr/share/zoneinfo is not there; add tzdata to the dependencies"
CERTIFICATES = (
    "/etc/ssl has no certificates; add certifi or truststore to the dependencies, and use it"
)
LIBRARY = (
    "libusb-1.0.so.0 is not there: not every Linux has it; add the package that ships it to the "
    "dependencies"
)
LOCALES = "there are no locales but C, POSIX and C.UTF-8; have the program go on without"
PROGRAM = (
    "there is no program git: there are a shell and the tools of POSIX; ship it by include-files, "
    "or have the program go on without"
)
FILE = "/etc/{0}.conf is not there; ship it by include-files or in a package"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ZoneInfoNotFoundError: 'No time zone found with key Europe/Warsaw'", ZONES),
        ("[Errno 2] No such file or directory: '/usr/share/zoneinfo/UTC'", ZONES),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", CERTIFICATES),
        ("ImportError: libusb-1.0.so.0: cannot open shared object file: No such file", LIBRARY),
        (
            "socket.gaierror: [Errno -3] Temporary failure in name resolution",
            "there is no network; write a smoke run that needs none",
        ),
        ("locale.Error: unsupported locale setting", LOCALES),
        (IN_SUBPROCESS, PROGRAM),
        ("No such file or directory: '/etc/{0}.conf'", FILE),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'notes.txt'", ""),
        ("No such file or directory: '/opt/app/lib/x.sql'", ""),
        ("No module named 'x'", ""),
        ("", ""),
    ],
)
def test_it_is_said_in_a_sentence(output, said):
    assert explain(output) == (said and f"in the clean room {said}")


@pytest.mark.parametrize("part", ["lib", "No such file or directory", "_execute_child", "': "])
def test_output_that_was_written_to_be_slow(part):
    assert explain(part * 200_000) == ""
