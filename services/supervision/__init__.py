"""Supervision: every clock of every order, the notices before and after a deadline, and who is late.

Owns: schema `supervision` (timelines of orders, clocks, notices, Ticks). Asks: nobody; the city pack is read at start.
Listens: `orders.events`.
Announces: `supervision.events` (ClocksSet, DeadlineWarned, DeadlineMissed, DeadlineWithdrawn).
"""
