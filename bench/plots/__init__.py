"""Pictures of leaderboards and of runs."""
