"""Pictures of vectors: plots, labels, the explorer."""
