"""What do law, worst case and simulation say of one another? One sweep a file.

Each has a frozen configuration, a smaller one for ``--quick``, ``table`` (what is written) and ``summary`` (what is
shown).
"""
