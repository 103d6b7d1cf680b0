"""Skip-gram trained on its whole loss at once, from window counts; `lexigrad.exact.solve` is where to begin reading."""
