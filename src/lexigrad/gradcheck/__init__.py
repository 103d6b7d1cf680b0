"""Prove gradients: compare each entry with the finite difference of the loss that it belongs to."""

from lexigrad.gradcheck.assignment import grade
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
from lexigrad.gradcheck.exercises import FixedDraws
from lexigrad.gradcheck.findings import Diagnosis, Finding, Slip, diagnose

__all__ = [
    "FLOOR",
    "STEP",
    "TOLERANCE",
    "Check",
    "Checked",
    "Diagnosis",
    "Finding",
    "FixedDraws",
    "Slip",
    "check",
    "check_all",
    "diagnose",
    "formulas",
    "grade",
    "numeric_gradient",
    "relative_error",
]
