"""The three dialects of JUnit, read into one form. The samples are what the runners wrote."""

import tracemalloc

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.tests.junit import read, short

PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest"
 errors="0" failures="9" skipped="9" tests="99" time="0.1">
<testcase classname="tests.test_a.T" name="test_ok" file="tests/test_a.py" line="6" time="0.25"/>
<testcase classname="tests.test_a" name="test_p[a/b.c::d]" file="tests/test_a.py" line="1">
<failure message="AssertionError: assert 1 == 2&#10; +  where">def test_p
E   assert 1 == 2</failure></testcase>
<testcase classname="tests.test_a.D" name="test_td" file="tests/test_a.py" line="22" time="1">
<failure message="AssertionError: one">long</failure></testcase>
<testcase classname="tests.test_a.D" name="test_td" file="tests/test_a.py" line="22" time="2">
<error message="failed on teardown with &quot;ValueError: two&quot;">E   ValueError: two</error>
</testcase>
<testcase classname="tests.test_a" name="test_xf" file="tests/test_a.py" line="11" time="0.000">
<skipped type="pytest.xfail" message=""/></testcase>
<testcase classname="" name="tests.test_imp" file="tests/test_imp.py" time="0.000">
<error message="collection failure">tests/test_imp.py:1: in &lt;module&gt;
E   ModuleNotFoundError: No module named 'nosuch'</error></testcase>
</testsuite></testsuites>"""

NOSE2 = """<testsuite name="nose2-junit" errors="0" failures="0"
 skipped="3" tests="14" time="0.002">
<testcase time="0.000105" classname="tests_nose2.test_b.T" name="test_ok"><system-out/></testcase>
<testcase time="0.1" classname="tests_nose2.test_b.T" name="test_bad">
<failure message="test failure">Traceback (most recent call last):
  File "/x/tests_nose2/test_b.py", line 8, in test_bad
AssertionError: 1 != 2
</failure><system-out/></testcase>
<testcase time="0.0" classname="tests_nose2.test_b.T" name="test_xpass">
<skipped message="test passes unexpectedly"/></testcase>
<testcase time="0.0" classname="tests_nose2.test_b.T" name="test_xfail">
<skipped message="expected test failure"/></testcase>
<testcase time="0.0" classname="setUpClass (tests_nose2.test_b" name="S)">
<error message="test failure">Traceback
RuntimeError: no database
</error></testcase>
<testcase time="0.0" classname="nose2.loader.ModuleImportFailure.tests_nose2" name="test_imp">
<error message="test failure">ImportError: Failed
ModuleNotFoundError: No module named 'nosuch'
</error></testcase></testsuite>"""

UNITTEST = """<testsuite name="unittest">
<testcase classname="test_c.T" name="test_sub" time="0.1" path="{path}" line="6">
<failure message="">Traceback
AssertionError: 1 != 0

test_sub (test_c.T) (i=1)</failure></testcase>
<testcase classname="test_c.T" name="test_sub" time="0.0" path="{path}" line="6">
<failure message="">Traceback
AssertionError: 3 != 0</failure></testcase>
</testsuite>"""


@pytest.fixture
def results(tmp_path):
    def write(text):
        for name in ("tests/test_a.py", "tests/test_imp.py", "tests_nose2/test_b.py"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        (tmp_path / "r.xml").write_text(text.replace("{path}", str(tmp_path / "tests/test_c.py")))
        return {one.name: one for one in read(tmp_path / "r.xml", "suite", tmp_path)}

    return write


def test_pytest_is_counted_by_cases(results):
    found = results(PYTEST)
    assert len(found) == 5
    passed = found["tests/test_a.py::T::test_ok"]
    assert (passed.status, passed.file, passed.line) == ("passed", "tests/test_a.py", 7)
    assert passed.seconds == 0.25


def test_pytest_parameters_keep_their_name(results):
    failed = results(PYTEST)["tests/test_a.py::test_p[a/b.c::d]"]
    assert failed.status == "failed"
    assert short(failed.message) == "AssertionError: assert 1 == 2"


def test_two_reports_on_one_case_are_one_result_and_the_worse_wins(results):
    joined = results(PYTEST)["tests/test_a.py::D::test_td"]
    assert (joined.status, joined.seconds) == ("error", 3.0)
    assert short(joined.message) == "ValueError: two"
    assert "AssertionError: one" in joined.message


def test_expected_failure_is_skipped(results):
    found = results(PYTEST)["tests/test_a.py::test_xf"]
    assert (found.status, found.message) == ("skipped", "expected failure")


def test_pytest_import_error_is_named_by_its_file(results):
    found = results(PYTEST)["tests/test_imp.py"]
    assert found.status == "error"
    assert short(found.message) == "ModuleNotFoundError: No module named 'nosuch'"


def test_nose2_finds_file_and_line(results):
    failed = results(NOSE2)["tests_nose2.test_b.T.test_bad"]
    assert (failed.status, failed.file, failed.line) == ("failed", "tests_nose2/test_b.py", 8)
    assert short(failed.message) == "AssertionError: 1 != 2"


def test_nose2_unexpected_success_is_a_failure_though_written_as_skipped(results):
    found = results(NOSE2)
    assert found["tests_nose2.test_b.T.test_xpass"].status == "failed"
    assert found["tests_nose2.test_b.T.test_xfail"].status == "skipped"


def test_nose2_class_set_up_error(results):
    found = results(NOSE2)["setUpClass (tests_nose2.test_b.S)"]
    assert (found.status, found.file) == ("error", "tests_nose2/test_b.py")
    assert short(found.message) == "RuntimeError: no database"


def test_nose2_import_error(results):
    assert results(NOSE2)["tests_nose2.test_imp"].status == "error"


def test_subtests_of_one_test_are_one_case(results):
    (only,) = results(UNITTEST).values()
    assert (only.status, only.file, only.line) == ("failed", "tests/test_c.py", 7)
    assert "3 != 0" in only.message


def test_no_cases(results):
    assert results('<testsuites tests="12"><testsuite/></testsuites>') == {}


def test_half_a_file_is_an_error(results):
    with pytest.raises(StageFailed, match=r"suite: its results in r\.xml cannot be read"):
        results("<testsuite><testcase")


def test_strange_numbers_are_no_reason_to_fail(results):
    found = results(
        '<testsuite><testcase classname="a" name="b" time="1,234.5" line="x"/>'
        '<testcase classname="a" name="c" time="nonsense"/></testsuite>'
    )
    assert found["a.b"].seconds == 1234.5
    assert found["a.c"].seconds == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "<s><testcase name='a' file='/'/></s>",
        "<?xml version='1.0' encoding='idna'?><s/>",
        "<?xml version='1.0' encoding='no-such'?><s/>",
        "<s><testcase name='a' file='&#x0a;' classname='" + "x." * 1000 + "'/>",
    ],
)
def test_what_no_runner_has_written_is_told_in_a_sentence(tmp_path, text):
    file = tmp_path / "r.xml"
    file.write_text(text)
    with pytest.raises(StageFailed, match=r"its results in r\.xml cannot be read"):
        read(file, "tests", tmp_path)


def test_a_class_in_very_many_modules_is_no_reason_to_fail(tmp_path):
    file = tmp_path / "r.xml"
    file.write_text(f"<s><testcase name='a' classname='{'x' * 100 + '.' + 'y.' * 200_000}'/></s>")
    assert len(read(file, "tests", tmp_path)) == 1


def test_short_is_one_line_and_not_too_long():
    assert short("\n first \nsecond") == "first"
    assert len(short("x" * 1000, 50)) == 50


@pytest.mark.slow
def test_a_file_of_very_many_long_messages_takes_little_memory(tmp_path):
    path = tmp_path / "many.xml"
    text = "x" * 3500
    with path.open("w") as stream:
        stream.write("<testsuites><testsuite>")
        for number in range(30_000):
            case = f'<testcase classname="a.B" name="t{number}"><failure message="">{text}'
            stream.write(f"{case}\nValueError: no {number}</failure></testcase>")
        stream.write("</testsuite></testsuites>")
    tracemalloc.start()
    found = read(path, "many", tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 30_000
    assert found[-1].message.startswith("ValueError: no 29999\nxxx")
    assert found[-1].message.endswith("ValueError: no 29999")
    assert most < 100_000_000
