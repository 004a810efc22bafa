"""`paidan audit`: every accepted report is in its place in every store, or is named.

Reads the spool, Kafka and the four schemas; changes nothing. `findings.py` decides, the others look.
"""
