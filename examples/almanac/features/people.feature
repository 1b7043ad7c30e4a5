Feature: People

  Scenario: An empty book says what to do
    When I open "/people"
    Then I should see "There is nobody in the book yet."
    When I open "/appointments/new"
    And I follow "Add a person"
    Then the title is "New person - Almanac"

  Scenario: Adding somebody
    Given I am on "/people"
    When I follow "Add a person"
    And I fill in "Name" with "Zoë O'Neill"
    And I fill in "E-mail" with "zoe@example.org"
    And I fill in "Born" with "1994-03-17"
    And I press "Save"
    Then I should be on "/people"
    And I should see "Zoë O'Neill was saved."
    And I should see "1994-03-17"

  Scenario: An address belongs to one person
    Given "Ann Lee" is in the book with the address "ann@example.org"
    When I open "/people/new"
    And I fill in "Name" with "Another Ann"
    And I fill in "E-mail" with "ann@example.org"
    And I press "Save"
    Then beside "E-mail" I should read "Ann Lee already has this address."

  Scenario: Deleting somebody deletes their appointments, and the history tells
    Given "Ann Lee" is in the book with the address "ann@example.org"
    And these appointments
      | Title | Person  | Day        | From  | To    |
      | Check | Ann Lee | 2026-12-01 | 11:00 | 11:30 |
    When I open "/people"
    And I follow "Ann Lee"
    And I follow "Delete"
    Then I should see "One appointment goes too."
    When I press "Delete"
    Then I should see "Ann Lee was deleted."
    When I open "/history"
    Then I should see "delete people"
    And I should see "delete appointments"
