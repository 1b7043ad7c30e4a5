@almanac @javascript
Feature: A worker is paused
  An admin gives a worker no new work, such as before its machine is mended, and then work again.

  Scenario: What is started meanwhile waits, and goes on with the worker
    Given the site of the almanac
    And "ann" has signed in
    And they are on the page "lanes"
    When I press "Pause …"
    And they press "Pause" in the dialog
    Then I should see "paused" in the "article[aria-label='Worker local']" element
    When "eve" starts a run elsewhere
    Then I should see "1 queued" in the "section[aria-label='Lanes']" element
    When I press "Resume"
    Then I should not see "paused"
    And its stage "build" passes
