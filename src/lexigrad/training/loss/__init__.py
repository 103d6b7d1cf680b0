"""The loss of a model: on a sample, on held-out text, over all pairs."""
