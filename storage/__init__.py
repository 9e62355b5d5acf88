"""Tables, queries and transactions. Knows nothing of the programme's rules.

One module a noun. ``database.py`` alone begins, commits and rolls back; ``bulk.py``
writes and reads in sets on the hot paths; the rest is tables with a meaning and a unit a column.
"""
