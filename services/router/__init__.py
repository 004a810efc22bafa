"""Router: what a report is, where it is, and whose it is, with a reason for each.

Owns: schema `router` (decisions, matters, device states). Asks: nobody; the city pack is read at start.
Listens: `reports.urgent`, `reports.normal`, `sensors.readings`, `orders.events`.
Announces: `routing.decided.urgent`, `routing.decided.normal`, and alarms as reports on `reports.*`.
"""
