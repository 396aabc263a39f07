"""What people try by hand on a model that does not learn, in one go: ``bench debug``."""
