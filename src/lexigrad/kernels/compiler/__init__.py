"""How kernels are compiled and kept: vector instructions, Numba's decorators, the cache."""
