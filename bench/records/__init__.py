"""What runs leave on disk, read once and summarised over seeds: where the computing and the reading wing meet."""
