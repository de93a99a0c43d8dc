"""Which layer of a model a parameter belongs to, and how deep that layer is.

The ordering rule, stated once. Layers are the blocks of a model in the order in which it registers them, which is the
order of execution in all but unusual models:

1. The model itself, ``Sequential``, ``ModuleList`` and ``ModuleDict`` are never layers: what they hold is.
2. In a ``Sequential`` or ``ModuleList`` an element that has a sibling of its own type is one layer, whatever is inside
   it: a residual block, an encoder layer.
3. Any other module that holds such a repetition is opened; one that holds none (the embeddings of a BERT, its pooler,
   a linear map) is one layer.
4. Embedding tables side by side are one layer; a module with vectors only (a normalisation) joins the layer before it;
   a parameter registered on an opened module itself (a class token) joins the first layer in that module.

Where the rule does not fit, every function here takes ``layers``: a list of layers, bottom first, each a list of
parameter names or of their prefixes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from lrtheory.checks import checked_positive

Layers = Sequence[Sequence[str]]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_DECAY = 2.6  # Howard and Ruder, arXiv 1801.06146
_LAYER, _TABLE, _VECTORS, _LOOSE = "layer", "table", "vectors", "loose"


def layer_names(model: nn.Module, layers: Layers | None = None) -> tuple[tuple[str, ...], ...]:
    """The names of a model's parameters, layer by layer, bottom first.

    Args:
        model: Any module with parameters.
        layers: Layers to use in place of those of the rule (see the module): parameter names or their prefixes.

    Raises:
        ValueError: the model has no parameters, or ``layers`` does not name each of them exactly once.

    Example:
        >>> from torch import nn
        >>> layer_names(nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2)))
        (('0.weight', '0.bias', '1.weight', '1.bias'), ('3.weight', '3.bias'))
        >>> layer_names(nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2)), layers=[["1"], ["0"]])
        (('1.weight', '1.bias'), ('0.weight', '0.bias'))
    """
    names = [name for name, _ in model.named_parameters()]
    if not names:
        raise ValueError(f"{type(model).__name__} has no parameters, so it has no layers.")
    if layers is not None:
        return _chosen(names, layers)
    found: list[list[str]] = []
    waiting: list[str] = []  # members of the next layer that come before it
    table_before = False
    for kind, members in _blocks(model, opened=True):
        members = [name for name in members if name in names]  # a tied parameter belongs to the first that has it
        if kind is _LOOSE or (kind is _VECTORS and not found):
            waiting += members
        elif kind is _VECTORS or (kind is _TABLE and table_before):
            found[-1] += members
        elif members:
            found.append(waiting + members)
            waiting = []
        table_before = kind is _TABLE
    if found:
        found[-1] += waiting
    return tuple(map(tuple, found or [waiting]))


def coarse_layer_names(model: nn.Module) -> tuple[tuple[str, ...], ...]:
    """The layers of the published DALS harness: the model's children, and encoder layers in pairs.

    A child that holds a ``ModuleList`` of equal blocks (a transformer) is opened and its blocks are taken two by two:
    a DistilBERT classifier has six layers. A small ConvNet of features and classifier has two only.

    Raises:
        ValueError: the model has no parameters.

    Example:
        >>> from torch import nn
        >>> convnet = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)), nn.Linear(8, 2))
        >>> [len(names) for names in coarse_layer_names(convnet)]
        [4, 2]
    """
    lists = tuple(f"{name}." for name, part in model.named_modules() if isinstance(part, nn.ModuleList))
    coarse: list[tuple[str, ...]] = []
    fine = layer_names(model)
    for child in dict.fromkeys(_child(name) for names in fine for name in names):
        inside = [names for layer in fine if (names := tuple(name for name in layer if _child(name) == child))]
        stacked = [index for index, names in enumerate(inside) if names[0].startswith(lists)] if lists else []
        if not stacked:
            coarse.append(sum(inside, ()))
            continue
        blocks = inside[stacked[0] : stacked[-1] + 1]
        pairs = [sum(blocks[index : index + 2], ()) for index in range(0, len(blocks), 2)]
        coarse += inside[: stacked[0]] + pairs + inside[stacked[-1] + 1 :]
    return tuple(coarse)


def depths(model: nn.Module, layers: Layers | None = None) -> dict[str, float]:
    r"""The depth of each parameter's layer, from 0 at the bottom to 1 at the top.

    .. math:: d_l = \frac{l}{L-1}, \qquad l = 0,\dots,L-1.

    A model of one layer is its own top: :math:`d = 1`.

    Args:
        model: Any module with parameters.
        layers: Layers to use in place of those of the rule: parameter names or their prefixes.

    Raises:
        ValueError: the model has no parameters, or ``layers`` does not name each of them exactly once.

    Example:
        >>> from torch import nn
        >>> depths(nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False)))
        {'0.weight': 0.0, '2.weight': 1.0}

    Source:
        Yao et al., arXiv 2604.27295, section 3.
    """
    by_layer = layer_names(model, layers)
    return {name: _depth(layer, len(by_layer)) for layer, names in enumerate(by_layer) for name in names}


def layer_groups(model: nn.Module, layers: Layers | None = None) -> list[dict[str, Any]]:
    """One parameter group for each layer, bottom first, with its ``depth``.

    Parameters that need no gradient are left out; the depth of the others does not change by that.

    Args:
        model: Any module with parameters to train.
        layers: Layers to use in place of those of the rule: parameter names or their prefixes.

    Raises:
        ValueError: nothing in the model is to be trained, or ``layers`` does not name each parameter exactly once.

    Example:
        >>> from torch import nn
        >>> groups = layer_groups(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
        >>> [(len(group["params"]), group["depth"]) for group in groups]
        [(2, 0.0), (2, 1.0)]
    """
    parameters = dict(model.named_parameters())
    by_layer = layer_names(model, layers)
    groups = []
    for layer, names in enumerate(by_layer):
        trained = [parameters[name] for name in names if parameters[name].requires_grad]
        if trained:
            groups.append({"params": trained, "depth": _depth(layer, len(by_layer))})
    if not groups:
        raise ValueError(f"no parameter of {type(model).__name__} requires a gradient: there is nothing to train.")
    return groups


def discriminative_groups(
    model: nn.Module, lr: float, *, decay: float = _DECAY, layers: Layers | None = None
) -> list[dict[str, Any]]:
    r"""One parameter group for each layer, the rate falling by a constant factor from each layer to the one below.

    .. math:: \eta^l = \eta\,\delta^{-(L-1-l)}, \qquad l = 0,\dots,L-1.

    Args:
        model: Any module with parameters to train.
        lr: Rate :math:`\eta` of the top layer, positive.
        decay: The factor :math:`\delta`, positive.
        layers: Layers to use in place of those of the rule: parameter names or their prefixes.

    Raises:
        ValueError: ``lr`` or ``decay`` is not positive, or nothing in the model is to be trained.

    Example:
        >>> from torch import nn
        >>> groups = discriminative_groups(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), lr=1.0)
        >>> [round(group["lr"], 3) for group in groups]
        [0.385, 1.0]

    Source:
        Howard and Ruder, arXiv 1801.06146, section 3.2.
    """
    checked_positive("lr", lr)
    checked_positive("decay", decay)
    top = len(layer_names(model, layers)) - 1
    groups = layer_groups(model, layers)
    for group in groups:
        below_top = round((1 - group["depth"]) * top)
        group["lr"] = lr / decay**below_top
    return groups


def _depth(layer: int, number: int) -> float:
    return layer / (number - 1) if number > 1 else 1.0


def _child(name: str) -> str:
    return name.split(".")[0]


def _blocks(module: nn.Module, prefix: str = "", opened: bool = False) -> Iterator[tuple[str, list[str]]]:
    """The parameter names of each block under a module in order of registration, each with its kind."""
    parts = [(f"{prefix}{name}.", part) for name, part in module.named_children() if _has_parameters(part)]
    if not parts or not (opened or isinstance(module, _CONTAINERS) or _holds_repetition(module)):
        vectors = all(parameter.ndim < 2 for parameter in module.parameters())
        kind = _TABLE if isinstance(module, nn.Embedding) else _VECTORS if vectors else _LAYER
        yield kind, [f"{prefix}{name}" for name, _ in module.named_parameters()]
        return
    yield _LOOSE, [f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False)]
    repeated = _repeated_types(module)
    for name, part in parts:
        if type(part) in repeated and list(part.children()):
            yield _LAYER, [f"{name}{inner}" for inner, _ in part.named_parameters()]
        else:
            yield from _blocks(part, name)


def _repeated_types(module: nn.Module) -> set[type]:
    """The types that a stack holds more than once; containers are opened however often they come."""
    if not isinstance(module, nn.Sequential | nn.ModuleList):
        return set()
    types = Counter(type(part) for part in module.children() if _has_parameters(part))
    return {kind for kind, count in types.items() if count > 1 and not issubclass(kind, _CONTAINERS)}


def _holds_repetition(module: nn.Module) -> bool:
    return any(_repeated_types(part) for part in module.modules())


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _chosen(names: list[str], layers: Layers) -> tuple[tuple[str, ...], ...]:
    chosen: list[tuple[str, ...]] = []
    for prefixes in layers:
        if isinstance(prefixes, str):
            raise ValueError(f"each layer is a list of names, but {prefixes!r} is a single one: write [{prefixes!r}].")
        unknown = [prefix for prefix in prefixes if not any(_named(name, prefix) for name in names)]
        if unknown:
            raise ValueError(
                f"no parameter of the model is named {unknown[0]!r}, nor begins with {unknown[0] + '.'!r}."
            )
        chosen.append(tuple(name for name in names if any(_named(name, prefix) for prefix in prefixes)))
    counts = Counter(name for layer in chosen for name in layer)
    wrong = [name for name in names if counts[name] != 1]
    if wrong:
        raise ValueError(f"layers must name each parameter once, but name {wrong[0]!r} {counts[wrong[0]]} times.")
    return tuple(chosen)


def _named(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
