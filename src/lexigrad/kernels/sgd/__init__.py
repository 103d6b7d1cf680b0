"""Kernels of stochastic gradient descent, in the order of the work: piece, products, step, span, superstep."""
