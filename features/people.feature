Feature: Who may do what
  Everybody may look. To start something, sign in; a new site knows the admin alone.

  Background:
    Given a site with these stages
      | stage | waits for | does   |
      | make  |           | passes |
      | look  | make      | passes |
    And its first run has passed

  Scenario: A stranger may look
    When a stranger comes
    Then they can look at the builders "demo.make, demo.look"
    And they can look at the builds of run 1

  Scenario Outline: A stranger may not touch
    When a stranger comes
    And they try to <do something>
    Then they are refused with <status>
    And no run was added

    Examples:
      | do something                   | status |
      | start a run                    | 403    |
      | start the stage "look" again   | 403    |
      | have a build rebuilt           | 403    |
      | have the site poll             | 401    |
      | sign in with a guessed password | 401   |

  Scenario: The admin runs a branch
    Given the branch "topic" has the new commit "Try a thing"
    When the admin comes
    And they start a run of the branch "topic" because "the customer waits"
    Then one more run passes
    And it is a run of the head of "topic", started by "admin"

  Scenario: A branch that is not there is named
    When the admin comes
    And they start a run of the branch "tropic" because "of a slip"
    Then they are told 'has no branch, tag or commit "tropic"'
    And no run was added
