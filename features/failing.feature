@almanac @javascript
Feature: A test fails
  Its run says which test failed and why. Run the stage again, and the run goes on.

  Scenario: What failed stands first, with its message; mended and run again, the run turns green
    Given the site of the almanac
    And a run of the moon has failed
    And "eve" has signed in
    When they look at the run of the moon
    Then I should see "failed" in the "section[aria-label='The run']" element
    When I press "Tests"
    Then the first test is "test_full_moon_rises_at_sunset" and says "the moon rose at noon: expected 18:04"
    When somebody mends what was wrong
    And within the css "section[aria-label='Stage tests']", I press "Run again"
    And I fill in "Reason" with "the clock is right now"
    And they press "Run again" in the dialog
    Then I should see "passed" in the "section[aria-label='The run']" element
    And I should see "Attempt" in the "section[aria-label='Stage tests']" element
