"""Skip-gram trained on its whole loss at once, from window counts; `lexigrad.training.exact.solve` is where to begin reading."""
