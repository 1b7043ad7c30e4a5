@almanac @javascript
Feature: The dialog of a gate
  A gate asks before its stage runs. Its dialog is on the page of the run, and checks what is typed.

  Background:
    Given the site of the almanac
    And a run that waits for "staging"

  Scenario: Wrong answers are told under their questions, and nothing is opened
    Given "eve" has signed in
    When they open the dialog of "staging"
    And they type these, and read under each
      | field                 | text       | read                                 |
      | Change ticket         | twelve     | does not match                       |
      | Replicas              | 17         | must be at most 9                    |
      | Replicas              | many       | must be a whole number               |
      | Share of the visitors | 0.125      | has more than 2 digits               |
      | Announced on          | 2025-12-31 | must be 2026-01-01 or later          |
    And I uncheck "Europe"
    Then under "Regions" they read "choose at least 1"
    When they press "Deploy staging" in the dialog
    Then the dialog says "5 answers are not right yet."
    And its stage "staging" still waits for a person

  Scenario: What only the master can know is told under its question, too
    Given "eve" has signed in
    When they open the dialog of "staging"
    And I fill in "Change ticket" with "OPS-12"
    And they type the invisible character U+202E into "Notes"
    Then under "Notes" they read "U+202E"
    When they press "Deploy staging" in the dialog
    Then under "Notes" they read "U+202E"
    And its stage "staging" still waits for a person

  Scenario: Who may not open it is told who may, and has no button
    Given "finn" has signed in
    When they open the dialog of "staging"
    Then the dialog says "Somebody with the role developer opens it"
    And there is no button "Deploy staging" in the dialog
    When "finn" sends the answers past the page
    Then they are refused with 403
    And its stage "staging" still waits for a person

  Scenario: Nothing typed is lost when the session ends meanwhile
    Given "eve" has signed in
    When they open the dialog of "staging"
    And I fill in "Change ticket" with "OPS-77"
    And I fill in "Notes" with "The tides are back."
    And their session ends
    And they press "Deploy staging" in the dialog
    Then the dialog says "Sign in in the new window, come back, and press again."
    And the "Change ticket" field should contain "OPS-77"
    When they sign in as "eve" in another window and come back
    Then the "Notes" field should contain "The tides are back."
    When they press "Deploy staging" in the dialog
    Then the dialog is closed
    And "staging" runs the release of this run
    And the deployment to "staging" was told
      | name   | text                |
      | TICKET | OPS-77              |
      | NOTES  | The tides are back. |

  Scenario: An answer of every type reaches the deployment, and the secret nothing else
    An answer to which release is what goes there, in place of the run's own.

    Given 1 releases have been brought to staging
    And a run that waits for "staging"
    And "eve" has signed in
    When they open the dialog of "staging"
    And I fill in "Change ticket" with "OPS-12"
    And I fill in "Notes" with:
      """
      Tells the tides,
      and "the moon"; $(date)
      """
    And I fill in "Replicas" with "3"
    And I fill in "Share of the visitors" with "0.5"
    And I check "Bring the database up to date"
    And I choose "Green"
    And I uncheck "Europe"
    And I check "Africa"
    And I check "Asia"
    And I fill in "Announced on" with "2027-03-31"
    And they choose the release before for "Release"
    And they choose "production" for "Copy data from"
    And I fill in "Token" with "s3cret-of-eve"
    Then the dialog says which release will be deployed instead
    When they press "Deploy staging" in the dialog
    Then the dialog is closed
    And its stage "staging" passes
    And the deployment to "staging" was told
      | name           | text                                        |
      | TICKET         | OPS-12                                      |
      | NOTES          | Tells the tides,\nand "the moon"; $(date)   |
      | REPLICAS       | 3                                           |
      | SHARE          | 0.50                                        |
      | MIGRATE        | true                                        |
      | COLOUR         | green                                       |
      | REGIONS        | ["Asia", "Africa"]                          |
      | ANNOUNCE       | 2027-03-31                                  |
      | RELEASE        | (the chosen release)                        |
      | COPY_DATA_FROM | production                                  |
      | TOKEN          | s3cret-of-eve                               |
    And I should not see "s3cret-of-eve"
    And "s3cret-of-eve" is written nowhere
