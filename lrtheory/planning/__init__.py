"""Planning by measured curves: what rates to try where the loss has a cliff.

``excess_curve`` is the model of a wrong rate's cost, fitted to public grids; ``measured`` plans grids and next rates with it.
"""
