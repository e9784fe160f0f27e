"""Long work: what a short test cannot see growing or slowing down. docs/endurance.md says how to run it."""
