@seeded
Feature: The practice's book
  The book that goes out with a release, as the databases stage made it.

  Scenario: The people of the practice are in it
    When I open "/people"
    Then I should see "Fiona Adler"
    And I should see "fiona.adler@example.org"

  Scenario: Its days are full
    When I open "/day/2026-09-07"
    Then I should see "Second opinion"

  Scenario: What one scenario takes away is back for the next
    When I open "/day/2026-09-07"
    And I follow "First visit"
    And I follow "Delete"
    And I press "Delete"
    Then I should see "“First visit” was deleted."

  Scenario: It is back
    When I open "/day/2026-09-07"
    Then I should see "First visit"
