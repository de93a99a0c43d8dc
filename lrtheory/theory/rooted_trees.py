"""Rooted trees: one for each term of a modified equation, one for each way to compose derivatives of a field."""

import math
from collections import Counter
from functools import lru_cache
from typing import TypeAlias

Tree: TypeAlias = "tuple[Tree, ...]"
"""A rooted tree: the sorted tuple of the trees that hang from its root. ``()`` is a single node."""


@lru_cache(maxsize=32)
def rooted_trees(nodes: int) -> tuple[Tree, ...]:
    """All rooted trees with a given number of nodes, each once.

    Example:
        >>> [len(rooted_trees(nodes)) for nodes in range(1, 8)]
        [1, 1, 2, 4, 9, 20, 48]
    """
    if nodes == 1:
        return ((),)
    return tuple(sorted({grown for tree in rooted_trees(nodes - 1) for grown in _with_one_leaf_more(tree)}))


def _with_one_leaf_more(tree: Tree) -> list[Tree]:
    return [_tree(*tree, ())] + [
        _tree(*tree[:i], grown, *tree[i + 1 :])
        for i, branch in enumerate(tree)
        for grown in _with_one_leaf_more(branch)
    ]


def _tree(*branches: Tree) -> Tree:
    return tuple(sorted(branches))


def size(tree: Tree) -> int:
    """The number of nodes of a tree."""
    return 1 + sum(map(size, tree))


def symmetry(tree: Tree) -> int:
    """The number of ways to permute equal branches of a tree, at every node.

    Example:
        >>> symmetry(((), (), ()))
        6
    """
    return math.prod(symmetry(branch) ** copies * math.factorial(copies) for branch, copies in Counter(tree).items())


def cuts(tree: Tree) -> list[tuple[Tree, Tree]]:
    """Every way to cut one edge: the part that keeps the root, and the part that falls off.

    Example:
        >>> cuts((((),),))
        [((), ((),)), (((),), ())]
    """
    found = []
    for i, branch in enumerate(tree):
        others = tree[:i] + tree[i + 1 :]
        found.append((others, branch))
        found += [(_tree(*others, kept), fallen) for kept, fallen in cuts(branch)]
    return found
