"""Owns: work orders and assignments, their history, the reports as they came, and the reporters (kept apart).
Listens: routing.decided.{urgent,normal} (what the router plans), supervision.events (clocks and deadlines).
Announces: orders.events, one fact for each change, numbered per order, and a Tick a second on every partition.
Asks: nobody; people and intake ask it over REST.
"""
