"""torch, for the sweeps that train networks: loaded when one of them runs, and missed in one sentence."""

from typing import Any


def load_torch() -> Any:
    """The torch module.

    Raises:
        ModuleNotFoundError: it is not installed; the message says how to install it.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "this sweep trains networks and needs torch, for example by pip install 'lrtheory[torch]'."
        ) from None
    return torch
