@almanac
Feature: A release goes out without a browser
  Scripts use the endpoints that the pages use: the same questions, the same rights, the same answers.

  Background:
    Given the site of the almanac

  Scenario: Answers are checked, then deployed, once
    Given a run that waits for "staging"
    When "eve" answers the questions of "staging"
      | name     | value  |
      | ticket   | twelve |
      | replicas | 17     |
    Then they are refused with 400
    And they are told what is wrong with "ticket, replicas"
    And its stage "staging" still waits for a person
    When "eve" answers the questions of "staging"
      | name     | value     |
      | ticket   | OPS-12    |
      | replicas | 3         |
      | token    | s3cret-of-http |
    Then they are answered with 200
    And "staging" runs the release of this run
    And the deployment to "staging" was told
      | name     | text           |
      | TICKET   | OPS-12         |
      | REPLICAS | 3              |
      | COLOUR   | blue           |
      | TOKEN    | s3cret-of-http |
    And "s3cret-of-http" is written nowhere
    When the same answers are sent once more
    Then they are answered with 200
    And this run was brought to "staging" once

  Scenario Outline: Who has no right opens nothing
    Given a run that waits for "staging"
    When "<somebody>" sends the answers past the page
    Then they are refused with <status>
    And its stage "staging" still waits for a person

    Examples:
      | somebody   | status |
      | finn       | 403    |
      | a stranger | 401    |

  Scenario: Production is asked for by one, and approved by two others
    Given a run that waits for "production"
    When "bob" asks for production
    Then they are answered with 200
    When "bob" approves it past the page
    Then they are refused with 403
    When "cleo" approves it past the page
    Then they are answered with 200
    When "dan" approves it past the page
    Then they are answered with 200
    And "production" runs the release of this run

  Scenario: Staging is rolled back
    Given 2 releases have been brought to staging
    When "eve" rolls staging back to the release before
    Then "staging" runs what it ran before
    And the trail tells that "eve" opened it
