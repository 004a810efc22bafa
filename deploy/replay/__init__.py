"""Real published history through the running system: read it, send it, ask what came of it, compare row by row.

`records` reads the published rows · `compare` sets our deadlines and flags beside the published ones · `offline` asks
the rules alone · `send` goes through the services · `report` prints.
"""
