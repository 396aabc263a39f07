"""Which join for which pairs: what the studies found, for pairs like yours."""
