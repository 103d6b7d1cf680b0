"""The cost of a large job on a cluster, by a model and by rates measured here; begin at `lexigrad.training.planning.plan`."""
