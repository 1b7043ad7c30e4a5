"""Django's own test runner is a suite with single results; pytest-django where it is asked for."""

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.tests import suites
from slipway.scripts.stages.tests.run import run

pytestmark = pytest.mark.slow

MANAGE = (
    "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_of.settings')\n"
    "from django.core.management import execute_from_command_line\n"
    "if __name__ == '__main__':\n    execute_from_command_line(sys.argv)\n"
)
SETTINGS = (
    "SECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes', 'shop']\n"
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n"
    "DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nUSE_TZ = True\n"
)
MODELS = "from django.db import models\nclass Item(models.Model):\n    name = models.TextField()\n"
TESTS = (
    "from django.test import TestCase\nfrom shop.models import Item\n"
    "class ItemTests(TestCase):\n"
    "    def test_good(self):\n        Item.objects.create(name='a')\n"
    "        self.assertEqual(Item.objects.count(), 1)\n"
    "    async def test_awaited(self): self.assertEqual(await Item.objects.acount(), 0)\n"
    "    def test_bad(self): self.fail('so')\n"
)
SHOP = {
    "requirements.txt": "django<6\n",
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/tests.py": TESTS,
}
SITE = SHOP | {"manage.py": MANAGE, "site_of/__init__.py": "", "site_of/settings.py": SETTINGS}


@pytest.fixture
def stage(project, make_job, recorder):
    def start(files, **settings):
        project(files)
        with pytest.raises(StageFailed) as caught:
            run(make_job({"uses": "tests"} | settings), recorder)
        return str(caught.value)

    return start


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(SITE, id="manage.py"),
        pytest.param(
            {f"web/{name}": text for name, text in SITE.items() if name != "requirements.txt"}
            | {"requirements.txt": SITE["requirements.txt"]},
            id="manage.py below",
        ),
        pytest.param(
            SHOP | {"tests/__init__.py": "", "tests/settings.py": SETTINGS}, id="settings"
        ),
        pytest.param(
            SHOP
            | {
                "tox.ini": "[testenv]\ncommands = django-admin test --settings=conf.testing\n",
                "conf/testing.py": SETTINGS,
            },
            id="tox.ini",
        ),
        pytest.param(
            SITE
            | {
                "requirements.txt": "django<6\npytest-django\n",
                "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = site_of.settings\n"
                "python_files = tests.py\n",
            },
            id="pytest-django",
        ),
        pytest.param(
            SHOP
            | {
                "requirements.txt": "django<6\npytest-django\n",
                "tests/__init__.py": "",
                "tests/settings.py": SETTINGS,
            },
            id="pytest-django without settings",
        ),
    ],
)
def test_tests_for_django_run_with_single_results(stage, recorder, files):
    said = stage(files)
    assert "1 of 3 tests failed" in said
    found = {name.rpartition("test_")[2]: one for name, one in recorder.tests.items()}
    assert {name: one.status for name, one in found.items()} == {
        "good": "passed",
        "awaited": "passed",
        "bad": "failed",
    }
    assert found["bad"].message.startswith("AssertionError: so")


def test_labels_choose_and_a_crash_names_its_test(stage, recorder):
    files = SITE | {"shop/tests.py": TESTS.replace("self.fail('so')", "__import__('os')._exit(0)")}
    said = stage(files, suites=[{"runner": "django", "arguments": ["shop"]}])
    assert "django ended with exit code 0 while shop.tests.ItemTests.test_bad ran" in said


def test_a_project_that_only_names_django_is_none(project):
    folder = project({"requirements.txt": "django\npytest\n", "test_a.py": "def test_a(): pass\n"})
    assert [one.runner for one in suites.find(folder)] == ["pytest"]
