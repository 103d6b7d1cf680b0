"""From a corpus to a model: the solvers, the losses, and the measures of a training."""
