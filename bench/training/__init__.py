"""Training: recipes, protocols, warm-ups, objectives and the loop."""
