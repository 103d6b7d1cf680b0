"""What vectors are worth: analogies, rated pairs, stability, sentiment."""
