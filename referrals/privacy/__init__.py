"""Privacy: everything kept of a person told to them, a person forgotten, and what is kept no longer than it should.

Each wing tells and forgets what is its own (``<wing>/privacy.py``); this one asks all of them in one transaction.
"""
