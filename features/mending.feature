Feature: A failing stage is mended
  What waits for a failed stage is not started. Run the stage again, and the run goes on.

  Background:
    Given a site with these stages
      | stage | waits for | does                     |
      | check |           | fails until it is mended |
      | after | check     | passes                   |

  Scenario: A stage is run again, and the run goes on
    Given run 1 is failed
    And "after" of run 1 has not been started
    When somebody mends what was wrong
    And the admin comes
    And they start the stage "check" again
    Then "check, after" of run 1 have passed
    And run 1 is passed
    And "check" of run 1 took 2 attempts
