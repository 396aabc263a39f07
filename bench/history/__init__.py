"""A metric over commits of a committed file of records, or over runs."""
