Feature: Finding a day

  Scenario: Typing a day
    Given I am on "/day/2026-12-01"
    When I fill in "Go to day" with "2024-02-29"
    And I press "Show"
    Then I should be on "/day/2024-02-29"
    And I should see "Thursday 29 February 2024"

  Scenario: Turning to the week after
    Given I am on "/day/2026-12-30"
    When I follow "Week after"
    Then I should see "Wednesday 6 January 2027"

  Scenario: A day that does not exist
    When I open "/day/2026-02-30"
    Then the title is "Not Found - Almanac"
    And I should see "There is no such day."
