"""When is it due, and by which rule? Pure functions of facts, policy and calendar.

`calendar` working days and hours · `clock` deadlines, pauses, warnings · `limits` which policy row applies ·
`batch` many rows at once.
"""
