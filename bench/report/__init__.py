"""Reports: from the records of one or more runs to tables. Nothing in here imports torch, timm or scikit-learn."""
