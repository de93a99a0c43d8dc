"""A small decoder of bytes: a transformer with root-mean-square norms before its layers, learned positions and no biases."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrtheory.tasks.bytes import CONTEXT, VALUES

HEAD = 32
"""Channels of an attention head."""
DEVIATION = 0.02
"""Of the normal distribution that first weights are drawn from."""


@final
class Decoder(nn.Module):
    """Logits of the next byte at every place of a window.

    Args:
        width: Channels, a multiple of 32.
        depth: Blocks of attention and a layer of four times the width.
        seed: Of the first weights; torch's global generator is left alone.

    Example:
        >>> decoder = Decoder(64, 2, seed=0)
        >>> sum(parameter.numel() for parameter in decoder.parameters())
        135488
        >>> decoder(torch.zeros(3, 64, dtype=torch.int64)).shape
        torch.Size([3, 64, 256])
    """

    def __init__(self, width: int, depth: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=()):  # layers draw first weights of their own, which are replaced below
            self.bytes = nn.Embedding(VALUES, width)
            self.places = nn.Parameter(torch.empty(CONTEXT, width))
            self.blocks = nn.ModuleList(_Block(width) for _ in range(depth))
            self.norm = nn.RMSNorm(width, eps=1e-5)
            self.head = nn.Linear(width, VALUES, bias=False)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=DEVIATION, generator=generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, shape ``(windows, CONTEXT, VALUES)``, from bytes of shape ``(windows, CONTEXT)``."""
        hidden = self.bytes(inputs) + self.places
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(self.norm(hidden))


@final
class _Block(nn.Module):
    future: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before_attention, self.before_layer = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)
        self.register_buffer("future", torch.full((CONTEXT, CONTEXT), -torch.inf).triu(1), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        windows, places, width = hidden.shape
        mixed = self.queries_keys_values(self.before_attention(hidden)).view(windows, places, 3, width // HEAD, HEAD)
        queries, keys, values = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: torch's own attention took twice the time on windows this short (CPU, compiled or not).
        scores = (queries @ keys.transpose(-1, -2)).float() * HEAD**-0.5 + self.future
        seen = torch.softmax(scores, -1).to(values.dtype) @ values
        hidden = hidden + self.attended(seen.transpose(1, 2).reshape(windows, places, width))
        return hidden + self.down(functional.gelu(self.up(self.before_layer(hidden)), approximate="tanh"))
