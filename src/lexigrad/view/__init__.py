"""What vectors look like: plots, labels, the explorer."""
