"""A right solution with the names of 2017."""

import random

import numpy as np


def gradcheck_naive(f, x):
    state = random.getstate()
    _, grad = f(x)
    h = 1e-4
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + h
        random.setstate(state)
        above, _ = f(x)
        x[at] = before - h
        random.setstate(state)
        below, _ = f(x)
        x[at] = before
        slope = (above - below) / (2 * h)
        if abs(slope - grad[at]) / max(1, abs(slope), abs(grad[at])) > 1e-5:
            print("Gradient check failed.")
            print("First gradient error found at index", at)
            return
    print("Gradient check passed!")
