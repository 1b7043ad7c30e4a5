@almanac @javascript
Feature: The list of runs
  The site opens with its runs, the newest first. Runs are started here, and the page changes by itself.

  Background:
    Given the site of the almanac

  Scenario: "Run now" starts a run of a branch
    Given the almanac has the branch "spring-tides"
    And "eve" has signed in
    And they are on the page "pipelines"
    When I press "Run now"
    And they fill in the dialog
      | Project | almanac         |
      | Branch  | spring-tides    |
      | Reason  | the sea is high |
    And they press "Run" in the dialog
    Then they are on the page of a new run
    And I should see "spring-tides"
    And I should see "the sea is high"

  Scenario: A branch that is not there is named, and nothing is started
    Given "eve" has signed in
    And they are on the page "pipelines"
    When I press "Run now"
    And they fill in the dialog
      | Project | almanac      |
      | Branch  | sprung-tides |
    And they press "Run" in the dialog
    Then the dialog says "sprung-tides"
    And no run of the almanac was added

  Scenario: "Poll now" finds a commit
    Given "eve" has signed in
    And they are on the page "pipelines"
    And somebody commits "Tell the tides of Dover"
    When I press "Poll now"
    Then I should see "Tell the tides of Dover"
    And I should see "1 new commit on main"

  Scenario: A chip changes in an open page, without a reload, in both windows
    Given a run that waits for "staging"
    And "finn" has a browser
    And they are on the page "pipelines"
    And they will notice when the page is loaded anew
    When they open a second window
    Then each of their windows shows this run
    When "eve" opens the gate of "staging" elsewhere
    Then within 3 seconds the chip of "staging" says "passed"
    When they go to their first window
    Then within 3 seconds the chip of "staging" says "passed"
    And the page was not loaded anew

  Scenario: The master is killed under an open page, and comes back
    Given a run that waits for "staging"
    And "finn" has a browser
    And they are on the page "pipelines"
    And they will notice when the page is loaded anew
    Then this run comes into the list
    When the master is killed
    Then I should see "The master does not answer."
    And this run comes into the list
    When the master is started again
    Then I should not see "The master does not answer."
    When "eve" starts a run elsewhere
    Then this run comes into the list
    And the page was not loaded anew
