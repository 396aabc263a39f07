"""Cost: parameters and multiply-accumulates of a model."""
