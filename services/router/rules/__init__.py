"""The router's decisions as pure functions of a report, the compiled city (`Atlas`) and what is remembered.

Order: screen → veto → locate → classify → merge → match → tiers; `plan.prepare` and `plan.conclude` put them together.
"""
