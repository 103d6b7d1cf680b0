"""What a model loses: on a sample, on held-out text, over all pairs."""
