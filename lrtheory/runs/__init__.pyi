from .cell import Cell as Cell
from .cell import cell_id as cell_id
from .executor import Compute as Compute
from .executor import execute as execute
from .experiment import Experiment as Experiment
from .store import Store as Store
