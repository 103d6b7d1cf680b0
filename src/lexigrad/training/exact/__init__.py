"""Skip-gram trained on its whole loss at once, from window counts; reading begins at `solve`."""
