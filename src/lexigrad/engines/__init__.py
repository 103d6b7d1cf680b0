"""Engines, which carry out the pieces of a large job: threads of this process, or the workers of a cluster."""
