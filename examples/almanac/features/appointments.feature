Feature: Appointments
  Somebody at the desk keeps the day in order.

  Background:
    Given "Ann Lee" is in the book with the address "ann@example.org"

  Scenario: Adding an appointment
    Given I am on "/day/2026-12-01"
    When I follow "Add an appointment"
    And I fill in "Title" with "Blood pressure"
    And I choose "Ann Lee" from "Person"
    And I fill in "From" with "10:00"
    And I fill in "To" with "10:20"
    And I choose "Check-up" from "Kind"
    And I fill in "Place" with "Room 1"
    And I press "Save"
    Then I should be on "/day/2026-12-01"
    And the title is "Tuesday 1 December 2026 - Almanac"
    And I should see "“Blood pressure” was saved."
    And I should see "Ann Lee, Room 1"

  Scenario: A day lists its appointments in order
    Given these appointments
      | Title  | Person  | Day        | From  | To    |
      | Second | Ann Lee | 2026-12-01 | 11:00 | 11:30 |
      | First  | Ann Lee | 2026-12-01 | 08:15 | 08:30 |
      | Other  | Ann Lee | 2026-12-02 | 08:15 | 08:30 |
    When I open "/day/2026-12-01"
    Then the day has these appointments
      | From  | Title  |
      | 08:15 | First  |
      | 11:00 | Second |

  Scenario: Moving an appointment to another day
    Given these appointments
      | Title | Person  | Day        | From  | To    |
      | Check | Ann Lee | 2026-12-01 | 11:00 | 11:30 |
    When I open "/day/2026-12-01"
    And I follow "Check"
    And I fill in "Day" with "2026-12-04"
    And I press "Save"
    Then I should be on "/day/2026-12-04"
    And I should see "11:00"

  Scenario: Deleting an appointment is asked about first
    Given these appointments
      | Title | Person  | Day        | From  | To    |
      | Check | Ann Lee | 2026-12-01 | 11:00 | 11:30 |
    When I open "/day/2026-12-01"
    And I follow "Check"
    And I follow "Delete"
    Then I should see "Delete “Check”?"
    When I press "Delete"
    Then I should see "No appointments on this day."

  Scenario Outline: A problem stands beside its field
    Given I am on "/appointments/new"
    When I fill in "Title" with "Check"
    And I choose "Ann Lee" from "Person"
    And I fill in "<Field>" with "<Typed>"
    And I press "Save"
    Then beside "<Field>" I should read "<Problem>"
    And "<Field>" holds "<Typed>"

    Examples:
      | Field | Typed      | Problem                                       |
      | Day   | 2026-02-30 | Write the date as YYYY-MM-DD.                 |
      | From  | 9 o'clock  | Write the time as HH:MM.                      |
      | To    | 08:00      | It must end after it begins, on the same day. |
      | Fee   | much       | Write an amount such as 45 or 45.50.          |

  Scenario: Nobody is in two places at once
    Given these appointments
      | Title | Person  | Day        | From  | To    |
      | Check | Ann Lee | 2026-12-01 | 11:00 | 11:30 |
    When I open "/appointments/new?on=2026-12-01"
    And I fill in "Title" with "Another"
    And I choose "Ann Lee" from "Person"
    And I fill in "From" with "11:15"
    And I fill in "To" with "11:45"
    And I press "Save"
    Then beside "From" I should read "Ann Lee has “Check” from 11:00."
