"""Kernels of exact training: passes over all pairs of words."""
