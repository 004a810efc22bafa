"""Plumbing, once, for every service: delivery, outbox, engines, publisher, database, web, auth, metrics, clock.

Nothing here knows what a report or an order means.
"""
