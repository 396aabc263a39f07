"""The regression gate: is a run worse than an earlier one? Nothing in here imports torch, timm or scikit-learn, except
what recomputes the fingerprint."""
