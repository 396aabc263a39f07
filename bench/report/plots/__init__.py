"""Pictures of a leaderboard and of the records behind it, drawn with matplotlib."""
