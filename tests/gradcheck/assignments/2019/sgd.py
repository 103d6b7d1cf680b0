"""A right solution with the names of 2019 to 2024."""

import numpy as np


def sgd(f, x0, step, iterations, postprocessing=None, useSaved=False, PRINT_EVERY=10):
    x = x0
    for iteration in range(1, iterations + 1):
        loss, grad = f(x)
        x = x - step * grad
        if postprocessing:
            x = postprocessing(x)
        if iteration % PRINT_EVERY == 0:
            print(iteration, np.sum(loss))
        if iteration % 20000 == 0:
            step *= 0.5
    return x
