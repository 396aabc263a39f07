"""What there is to choose from: rows of `bench list` and cards of `bench show`."""
