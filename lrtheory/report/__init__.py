"""What was found, written into README and paper: facts have names and values in one place (``facts``)."""
