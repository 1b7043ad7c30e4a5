@almanac @javascript
Feature: What runs where
  The environments' page says which release runs where, and leads back to an earlier one.

  Background:
    Given the site of the almanac
    And 2 releases have been brought to staging

  Scenario: Staging is rolled back by the same dialog, and every page tells of it
    Given "ann" has signed in
    When they open the page "environments"
    And within the css "article[aria-label='almanac staging']", I press "Roll back …"
    And they choose the release before
    Then the dialog says "goes back to"
    When I fill in "Change ticket" with "OPS-404"
    And they press "Roll back staging" in the dialog
    Then the dialog is closed
    And "staging" runs what it ran before
    And "staging" is shown with the release of this run
    When they open the page "releases"
    Then the release of this run is shown as deployed to "staging"
    When they open the page "audit?entity=deployment"
    Then I should see "The chain is whole"
    And I should see "staging"

  Scenario: The trail is taken along as CSV and as JSON
    Given "ann" has signed in
    And they keep what they download
    When they open the page "audit"
    And I follow "CSV"
    Then the file "audit.csv" tells who opened gates
    When I follow "JSON"
    Then the file "audit.json" tells who opened gates
