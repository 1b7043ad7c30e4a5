Feature: A gate waits for a person
  A stage marked manual is a decision, such as to deploy: nobody starts it without the role for it.

  Background:
    Given a site with these stages
      | stage     | waits for | does                           |
      | make      |           | passes                         |
      | hand-over | make      | passes when a person starts it |

  Scenario: The run waits until somebody opens its gate
    Given run 1 is waiting
    And "hand-over" of run 1 has not been started
    When the admin comes
    And they open the gate of "hand-over"
    Then "make, hand-over" of run 1 have passed
    And run 1 is passed
