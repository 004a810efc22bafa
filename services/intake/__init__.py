"""Intake: the front door. Whatever a city's people and machines report is checked, numbered and put on Kafka at once.

Owns: schema `intake` (key rows), and a local spool on disk for the time Kafka is away.
Listens: nothing. Asks: dispatch, where a report got to.
Announces: `ReportReceived` on `reports.urgent` and `reports.normal`, `ReadingReceived` on `sensors.readings`.
"""
