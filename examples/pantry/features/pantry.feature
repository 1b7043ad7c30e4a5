@desktop
Feature: The pantry
  Somebody at home keeps an eye on what there is.

  Scenario: Putting a thing on the shelf
    When I fill in "Thing" with "Crème fraîche"
    And I fill in "Amount" with "3"
    And I select "Fridge" from "Place"
    And I choose "Best before a day"
    And I fill in "Day" with "2026-12-24"
    And I press "Put on the shelf"
    Then I should see "Crème fraîche is in the fridge."
    And I should see "2026-12-24" in the row "Crème fraîche"
    And the "Thing" field should contain ""

  Scenario: Another scenario begins with an empty pantry
    Then I should see "Ready."
    And I should not see "Crème fraîche"
    And I should see the table "Things"

  @insulated
  Scenario: So does one with a program of its own
    Then I should see "Ready."

  Scenario: A thing without a name is refused
    When I press "Put on the shelf"
    Then I should see "Say what it is." in the alert
    When I accept the alert
    Then I should not see "Say what it is."

  Scenario: Taking the last one of what is always there
    Given I check "Buy when there is none"
    And there is "1" of "Rice"
    And I uncheck "Buy when there is none"
    And there is "1" of "Cake"
    When I click "Rice"
    And I press "Take one"
    And I click "Cake"
    And I press "Take one"
    And I press "What must be bought?"
    Then I should see "To buy: Rice"
    And I should see "0" in the row "Rice"
    And I should not see the row "Cake"

  Scenario: Throwing everything away asks first
    Given there is "2" of "Rice"
    When I press "Pantry"
    And I press "Throw everything away"
    Then I should see "Throw everything away?" in the alert
    When I dismiss the alert
    Then I should see the row "Rice"
    When I press the key "CONTROL+SHIFT+T"
    And I accept the alert
    Then I should see "1 kinds of things thrown away."
    And I should not see the row "Rice"
