"""What does it look like? One figure a file: ``data()`` reads its table and ``draw()`` draws it."""
