@javascript
Feature: Starting a run in the browser
  Each stage is a builder in Buildbot's own web UI; its page has a button for the whole pipeline.

  Background:
    Given a site with these stages
      | stage | waits for | does   |
      | make  |           | passes |
      | look  | make      | passes |
    And its first run has passed

  Scenario: The button on a stage's page leads to its run
    Given the admin has signed in with a browser
    When they open the page of the stage "make"
    And they press "Run the pipeline"
    Then they read "demo run 1"
    And they read "Run again"

  Scenario: A stranger sees the run and nothing to press
    Given a stranger with a browser
    When they open the page of the stage "make"
    And they press "Run the pipeline"
    Then they read "demo run 1"
    And no run was added
    And run 1 is passed
