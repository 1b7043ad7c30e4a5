@javascript
Feature: The zooming date picker
  Days, months, years, decades: the heading zooms out, a cell zooms in.

  Scenario: From days to decades and back to another day
    Given I am on "/day/2026-11-25"
    When I open the picker of "Go to day"
    Then the picker shows the days of "November 2026"
    And the focus is on "Wednesday 25 November 2026"
    When I zoom out
    Then the picker shows the months of "2026"
    And the picker offers "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
    When I zoom out
    Then the picker shows the years of "2020 to 2029"
    And the picker offers "2019 2020 2021 2022 2023 2024 2025 2026 2027 2028 2029 2030"
    When I zoom out
    Then the picker shows the decades of "2000 to 2099"
    When I pick "1990 to 1999"
    Then the picker shows the years of "1990 to 1999"
    When I pick "1994"
    Then the picker shows the months of "1994"
    When I pick "March 1994"
    Then the picker shows the days of "March 1994"
    When I pick "Thursday 17 March 1994"
    Then "Go to day" holds "1994-03-17"
    And the picker is closed
    When I press "Show"
    Then I should be on "/day/1994-03-17"

  Scenario: With the keyboard alone
    Given I am on "/day/2026-11-25"
    When I open the picker of "Go to day"
    And I hit the key "ARROW_DOWN"
    Then the focus is on "Wednesday 2 December 2026"
    When I hit the key "BACKSPACE"
    Then the picker shows the months of "2026"
    And the focus is on "December 2026"
    When I hit the key "ARROW_LEFT"
    And I hit the key "ENTER"
    Then the picker shows the days of "November 2026"
    When I hit the key "PAGE_DOWN"
    Then the picker shows the days of "December 2026"
    When I hit the key "ESCAPE"
    Then the picker is closed
    And the focus is on "Choose a date"
    And "Go to day" holds "2026-11-25"

  Scenario Outline: It ends where the calendar ends
    Given I am on "/day/<Day>"
    When I open the picker of "Go to day"
    And I hit the key "<Key>"
    Then the picker shows the days of "<Month>"
    When I zoom out
    And I zoom out
    And I zoom out
    Then the picker shows the decades of "<Century>"

    Examples:
      | Day        | Key       | Month         | Century      |
      | 0001-01-01 | PAGE_UP   | January 1     | 1 to 99      |
      | 9999-12-31 | PAGE_DOWN | December 9999 | 9900 to 9999 |

  Scenario: In a form, between other fields
    Given "Ann Lee" is in the book with the address "ann@example.org"
    And I am on "/appointments/new?on=2026-12-01"
    When I fill in "Title" with "Eye test"
    And I choose "Ann Lee" from "Person"
    And I open the picker of "Day"
    And I press "Later"
    And I pick "Monday 4 January 2027"
    And I press "Save"
    Then I should be on "/day/2027-01-04"
    And I should see "Eye test"
