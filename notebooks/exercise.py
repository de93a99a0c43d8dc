"""The judge of the exercises."""

from collections.abc import Callable
from typing import Any

import numpy as np


def check(answer: Any, solution: Callable[[], Any], tolerance: float = 1e-3) -> None:
    """Print whether an answer is right.

    Args:
        answer: A number or an array of numbers, or None as long as there is none.
        solution: Computes the right answer.
        tolerance: Relative, and absolute near zero.
    """
    if answer is None:
        print("Not answered yet.")
    elif np.allclose(np.asarray(answer, float), np.asarray(solution(), float), rtol=tolerance, atol=tolerance):
        print("Right.")
    else:
        print("Not yet: look at the section above again.")
