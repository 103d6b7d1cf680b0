"""A right solution with the names of 2017."""


def sgd(f, x0, step, iterations, postprocessing=None, useSaved=False, PRINT_EVERY=10):
    if not postprocessing:
        postprocessing = lambda x: x  # noqa: E731
    x = x0
    for iteration in range(1, iterations + 1):
        _, grad = f(x)
        x -= step * grad
        x = postprocessing(x)
        if iteration % 20000 == 0:
            step *= 0.5
    return x
