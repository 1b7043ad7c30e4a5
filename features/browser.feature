@javascript
Feature: Starting a run in the browser
  Each stage is a builder in Buildbot's own web UI; its page has a button for the whole pipeline.

  Background:
    Given a site with these stages
      | stage | waits for | does   |
      | make  |           | passes |
      | look  | make      | passes |
    And its first run has passed

  Scenario: The admin starts a run and sees it succeed
    Given the admin has signed in with a browser
    When they open the page of the stage "make"
    And they press "Run the pipeline"
    Then the dialog asks for "Branch, Revision, Reason"
    When they fill in "Reason" with "the customer waits"
    And they press "Start build"
    Then one more run passes
    And they see the builds of that run succeed

  Scenario: A stranger is refused
    Given a stranger with a browser
    When they open the page of the stage "make"
    And they press "Run the pipeline"
    And they press "Start build"
    Then they read "to start a run you need to have role"
    And no run was added
