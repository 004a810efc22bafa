"""What supervision remembers: one timeline an order, its clocks (each row is its own timer), notices, Ticks.

`orders` and `clocks` are written by the fold of facts, `timers` by the sweep, `reading` answers questions.
"""
