"""torch, which an extra brings: loaded where it is used, and missed in one sentence."""

from typing import Any


def load_torch(user: str = "this sweep trains networks and") -> Any:
    """The torch module.

    Args:
        user: What needs torch: the beginning of the message.

    Raises:
        ModuleNotFoundError: it is not installed; the message says how to install it.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{user} needs torch: pip install 'lrtheory[torch]'.") from None
    return torch
