from .constant import Constant as Constant
from .cosine import Cosine as Cosine
from .exponential import Exponential as Exponential
from .formula import Formula as Formula
from .inverse_sqrt import InverseSqrt as InverseSqrt
from .one_cycle import OneCycle as OneCycle
from .piecewise import (
    COUNTINGS as COUNTINGS,
    FINAL_FACTORS as FINAL_FACTORS,
    PiecewiseLinear as PiecewiseLinear,
    from_bert4keras as from_bert4keras,
    piecewise_linear as piecewise_linear,
)
from .polynomial import Polynomial as Polynomial
from .registry import FAMILIES as FAMILIES, REGISTRY as REGISTRY, parse as parse
from .robust import Robust as Robust
from .schedule import Schedule as Schedule, symbols as symbols
from .sgdr import SGDR as SGDR
from .step_decay import StepDecay as StepDecay
from .stlr import STLR as STLR
from .then import Then as Then
from .warmup import Warmup as Warmup
from .wsd import WSD as WSD
