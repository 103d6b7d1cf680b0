"""Prove gradients: compare each entry with the finite difference of the loss that it belongs to."""

from lexigrad.gradcheck.classifiers import check_classifier
from lexigrad.gradcheck.equations import (
    FLOOR,
    STEP,
    TOLERANCE,
    Check,
    Checked,
    check,
    check_all,
    formulas,
    numeric_gradient,
    relative_error,
)

__all__ = [
    "FLOOR",
    "STEP",
    "TOLERANCE",
    "Check",
    "Checked",
    "check",
    "check_all",
    "check_classifier",
    "formulas",
    "numeric_gradient",
    "relative_error",
]
