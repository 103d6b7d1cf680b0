"""Solvers that train by stochastic gradient descent, and the loop that they share."""
