Feature: Commits become runs
  The pipeline follows a repository: it looks now and then, and what is new goes through all stages.

  Background:
    Given a site with these stages
      | stage | waits for  | does   |
      | make  |            | passes |
      | look  |            | passes |
      | join  | make, look | passes |
    And its first run has passed

  Scenario: The first poll runs the head
    Then run 1 is a run of the head of "main"
    And run 1 has the version "0.0.0+1"
    And "make, look, join" of run 1 have passed

  Scenario: A commit and a poll now make the next run
    Given somebody commits "Say good morning"
    When the admin has the site poll now
    Then the poll tells of "1 new commit on main"
    And one more run passes
    And it is a run of the head of "main", started by a poll

  Scenario: Of several commits the last one is run
    Given somebody commits "Say good evening"
    And somebody commits "Say good night"
    When the admin has the site poll now
    Then the poll tells of "2 new commits on main"
    And one more run passes
    And it is a run of the head of "main", started by a poll

  Scenario: Without a change a poll makes nothing
    When the admin has the site poll now
    Then the poll tells of "nothing new on main"
    And no run was added
