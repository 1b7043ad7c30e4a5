"""Commands that let a stage go on, and show what runs where."""
