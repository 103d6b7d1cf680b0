"""Prove gradients by finite differences of their losses, and find the mistake in those that somebody else wrote."""

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
from lexigrad.gradcheck.students.assignment import grade
from lexigrad.gradcheck.students.exercises import FixedDraws
from lexigrad.gradcheck.students.findings import Diagnosis, Finding, Slip, diagnose

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
    "check_classifier",
    "diagnose",
    "formulas",
    "grade",
    "numeric_gradient",
    "relative_error",
]
