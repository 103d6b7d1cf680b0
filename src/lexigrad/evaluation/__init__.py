"""Measures of vectors: analogies, rated pairs, stability, sentiment."""
