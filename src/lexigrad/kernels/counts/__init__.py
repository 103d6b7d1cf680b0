"""Kernels that count windows, and what is computed from counts."""
