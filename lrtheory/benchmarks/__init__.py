"""Which of eighteen strategies trains best, and what the published table measured.

``protocols`` says which runs there are, ``training`` trains one, ``published`` holds the table they are compared with,
``report`` makes tables of results, and ``audit`` switches each suspected artefact on and off.
"""
