"""The ready steps: the same features over plain HTTP and in a real browser, by behave itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

needs_browser = pytest.mark.skipif(
    not (shutil.which("chromedriver") and shutil.which("chromium-headless-shell")),
    reason="no chromedriver and chromium-headless-shell on PATH",
)

EVERYWHERE = r"""
Feature: Everything a visitor does, whatever shows the pages
  Scenario: Going about
    Given I am on the homepage
    Then I should be on the homepage
    And I should see "Nothing to see."
    And I should not see "in a script"
    And the title should be "Home"
    When I follow "Log in"
    Then I should be on "/login"
    And the url should match "^/log.n$"
    And the url should match "^http://"
    When I move backward one page
    Then I should be on "/"
    When I move forward one page
    And I reload the page
    Then I should be on "/login"
    When I go to "/echo?name=Ann"
    Then I should be on "/echo?name=Ann"
    And I should be on "/echo"
    And I should see text matching "name=\w+"
    And the response should contain "<li>name=Ann</li>"
    And the response should not contain "Bob"

  Scenario: Signing in
    Given I am on "/login"
    When I fill in the following:
      | User name | Ann "the \| shop"   |
      | Password  | wrong               |
    And I press "Sign in"
    Then I should see "Wrong password" in the xpath "//p[@class='error']"
    And the cookie "visit" should not be set
    When I fill in "User name" with "Ann \"the\" C:\shop"
    And I fill in "secret" for "Password"
    And I press "Sign in"
    Then I should see "Items of Ann \"the\" C:\shop"
    And the cookie "visit" should be set
    When I fill in "Name" with "Ball"
    And I attach the file "ball.txt" to "Picture"
    And I press "Add item"
    Then I should see "ball.txt|text/plain|round" in the table "Items"
    And I should see "ball.txt" in the row "Ball"
    When I have no cookies
    And I reload the page
    Then I should be on "/login"

  Scenario: A form with everything
    Given I am on "/form"
    Then the "Name" field should contain "Ann"
    And the "Name" field should not contain "Bob"
    And the "Colour" field should contain "r"
    And the "Terms" checkbox should be checked
    And the checkbox "Newsletter" should be unchecked
    When I fill in "About" with:
      '''
      Two
      lines
      '''
    And I check "Newsletter"
    And I uncheck "Terms"
    And I choose "Large"
    And I select "Green" from "Colour"
    And I additionally select "Bell" from "Extras"
    Then the "Newsletter" checkbox should be checked
    And the "Terms" checkbox should not be checked
    And within the fieldset "Person", the "E-mail" field should contain ""
    When within the fieldset "Person", I fill in the following:
      | E-mail | ann@example.org |
    And I press "Save"
    Then I should see "email=ann@example.org"
    And I should see "news=yes"
    And I should see "size=l"
    And I should see "colour=g"
    And I should see "extras=1"
    And I should see "extras=2"
    And I should not see "terms"
    And I should see text matching "about=Two\s+lines"

  Scenario: Things and where they are
    Given I am on "/form"
    Then I should see the button "Delete"
    And I should not see the button "Nowhere"
    And I should see "1.20" in the "table" "Prices"
    And I should not see "2.50" in the row "Milk"
    And I should see the file field "One file"
    And within the table "Prices", I should not see "Person"

  Scenario: Two people at once
    Given I am "ann"
    And I am on "/login"
    When I fill in "User name" with "Ann"
    And I fill in "Password" with "secret"
    And I press "Sign in"
    Then I should see "Items of Ann"
    Given I am "bob"
    And I am on "/items"
    Then I should be on "/login"
    Given I am "ann"
    When I reload the page
    Then I should see "Items of Ann"
    Given I am the first visitor again
    And I am on "/items"
    Then I should be on "/login"

  Scenario: Cookies
    Given I am on "/cookie"
    And I set the cookie "language" to "en"
    When I reload the page
    Then I should see "language=en"
    And the cookie "language" should be "en"

  Scenario: Nothing is left of those before
    Given I am on "/cookie"
    Then I should see "none"
"""

CSS = """
Feature: CSS selectors
  Scenario: Elements
    Given I am on "/form"
    Then I should see a "table#prices" element
    And I should see an "input[name=email]" element
    And I should not see a ".error" element
    And I should see 3 "#prices tr" elements
    And within the fieldset "Person", I should see 2 "input[type=checkbox]" elements
    And I should see "Bread" in the "#prices" element
    And I should not see "Bread" in the "#person" element
"""

WRONG = r"""
Feature: What is not so
  Scenario Outline: <step>
    Given I am on "/form"
    When I check "Newsletter"
    Then <step>

    Examples:
      | step                                              |
      | I should see "Nowhere"                            |
      | I should not see "Person"                         |
      | I should be on "/login"                           |
      | the url should match "nowhere"                    |
      | the url should match "("                          |
      | the title should be "Nowhere"                     |
      | the "Name" field should contain "Bob"             |
      | the "Name" field should not contain "Ann"         |
      | the "Newsletter" checkbox should be unchecked     |
      | the "Terms" checkbox should not be checked        |
      | I follow "Nowhere"                                |
      | I press "Nowhere"                                 |
      | I fill in "Nowhere" with "x"                      |
      | I select "Blue" from "Colour"                     |
      | I attach the file "none.txt" to "One file"        |
      | I should see the button "Nowhere"                 |
      | I should not see the button "Save"                |
      | I should see "Milk" in the fieldset "Person"      |
      | within the fieldset "Nowhere", I should see "Ann" |
      | within the fieldset "Person", nobody wrote this   |
      | the cookie "nowhere" should be set                |
      | the cookie "nowhere" should be "v"                |
      | the response should contain "Nowhere"             |
      | I should see text matching "Nowhere"              |
"""

STATUS = """
Feature: What plain HTTP tells
  Scenario: Status
    Given I am on "/status/404"
    Then the response status code should be 404
    And the response status code should not be 200

  Scenario: What needs a browser
    Given I am on "/"
    When I accept the alert
"""

BROWSER = """
@javascript
Feature: What only a browser does
  Scenario: Alerts
    Given I am on "/alerts"
    When I press "Ask"
    Then I should see "Sure?" in the alert
    When I accept the alert
    Then I should see "said true"
    When I press "Ask"
    And I dismiss the alert
    Then I should see "said false"
    When I press "Name"
    And I fill in the prompt with "Ann"
    Then I should see "said Ann"
    When I press "Later"
    And I wait until I see "at last"
    And I press the key "TAB"
    And I resize the window to 800x600
    And I take a screenshot

  Scenario: Windows
    Given I am on "/"
    When I follow "New window"
    And I switch to the window
    Then I should see "In the popup"
    When I switch to the first window
    Then I should see "Welcome"
    When I switch to the window "Popup"
    Then I should see "In the popup"
    When I close the window
    Then I should see "Welcome"
"""

ALERTS = """<p id="said"></p>
<button onclick="said.textContent = 'said ' + confirm('Sure?')">Ask</button>
<button onclick="said.textContent = 'said ' + prompt('Name?')">Name</button>
<button onclick="setTimeout(() => said.textContent = 'at last', 300)">Later</button>"""


@pytest.fixture
def walk(tmp_path, application):
    (tmp_path / "features" / "steps").mkdir(parents=True)
    (tmp_path / "features" / "environment.py").write_text(
        "from slipway.sessions.integrations.behave_hooks import *\n"
    )
    (tmp_path / "features" / "steps" / "ready.py").write_text(
        "from slipway.sessions.steps import *\n"
    )
    (tmp_path / "features" / "ball.txt").write_text("round")

    def run(feature, *arguments):
        (tmp_path / "features" / "one.feature").write_text(feature.replace("'''", '"""'))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        return subprocess.run(
            [sys.executable, "-m", "behave", "-D", f"base_url={application.url}", *arguments],
            cwd=tmp_path,
            env=kept,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


def _passed(result, scenarios):
    out = result.stdout + result.stderr
    assert result.returncode == 0, out
    assert f"{scenarios} scenarios passed, 0 failed" in out, out


@pytest.mark.slow
def test_features_pass_over_plain_http(walk):
    _passed(walk(EVERYWHERE), 7)


@pytest.mark.slow
@needs_browser
def test_the_same_features_pass_in_a_browser(walk):
    _passed(walk(f"@javascript{EVERYWHERE}"), 7)


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["", pytest.param("@javascript", marks=needs_browser)])
def test_elements_of_css_selectors(walk, tag):
    pytest.importorskip("cssselect")
    result = walk(f"{tag}{CSS}")
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_what_is_not_so_fails_with_one_sentence_each(walk):
    result = walk(WRONG, "--no-color")
    count = WRONG.count("\n      |") - 1
    assert f"0 scenarios passed, {count} failed, 0 skipped" in result.stdout, result.stdout
    assert "Traceback" not in result.stdout
    for sentence in (
        '"Nowhere" is not on the page http',
        '"(" is no regular expression',
        'the field "Name" holds "Ann", not "Bob"',
        'no step says "nobody wrote this"',
        'the cookie "nowhere" is not set, not "v"',
    ):
        assert sentence in result.stdout


@pytest.mark.slow
def test_what_only_plain_http_tells_and_what_it_cannot(walk):
    result = walk(STATUS)
    assert "1 scenario passed, 1 failed" in result.stdout, result.stdout
    assert "tag the scenario @javascript" in result.stdout


@pytest.mark.slow
@needs_browser
def test_alerts_windows_keys_and_pictures_in_a_browser(walk, application):
    application.add("/alerts", ALERTS)
    _passed(walk(BROWSER), 2)
