@almanac @javascript
Feature: Two people approve what a third has asked for
  Production wants two approvals, and who asked is none of the two. Each sits at a browser of their own.

  Background:
    Given the site of the almanac
    And a run that waits for "production"

  Scenario: It is deployed when two others have said yes
    Given "bob" has signed in
    And "cleo" has signed in
    And "dan" has signed in
    When "bob" goes on
    And they open the dialog of "production"
    Then the dialog says "Then 2 approvals are needed, of others than you."
    When they press "Ask for approval" in the dialog
    Then the dialog says "0 of 2 approvals"
    And there is no button "Approve" in the dialog
    When "bob" approves it past the page
    Then they are refused with 403
    When "cleo" goes on
    And they open the dialog of "production"
    And they press "Approve" in the dialog
    Then the dialog says "1 of 2 approvals"
    And there is no button "Approve" in the dialog
    When "bob" goes on
    Then the dialog says "1 of 2 approvals"
    When "dan" goes on
    And they open the dialog of "production"
    And I fill in "Comment" with "The tide is right."
    And they press "Approve" in the dialog
    Then the dialog is closed
    And "production" runs the release of this run
    When "bob" goes on
    Then the dialog says "The tide is right."

  Scenario: One no, with its reason, is enough
    Given "bob" has signed in
    And "cleo" has signed in
    When "bob" goes on
    And they open the dialog of "production"
    And they press "Ask for approval" in the dialog
    Then the dialog says "0 of 2 approvals"
    When "cleo" goes on
    And they open the dialog of "production"
    And they press "Reject …" in the dialog
    And they press "Reject" in the dialog
    Then the dialog says "say why"
    When I fill in "Why" with "Not before the fair."
    And they press "Reject" in the dialog
    Then its gate of "production" is rejected
    When "bob" goes on
    Then the dialog says "Not before the fair."
