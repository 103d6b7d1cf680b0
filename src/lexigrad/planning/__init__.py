"""What a large job will take on a cluster, by a model and by rates measured here; `plan.py` is where to begin."""
