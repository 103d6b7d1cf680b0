"""The cost of a large job on a cluster, by a model and by rates measured here; reading begins at `plan`."""
