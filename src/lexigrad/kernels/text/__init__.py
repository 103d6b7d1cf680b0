"""Kernels that turn text into ids: words, items, phrases."""
