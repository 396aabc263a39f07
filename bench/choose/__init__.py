"""A race for the fusion that suits one domain: screening, finalists, one look at the test set."""
