"""The one-machine stack: a real Apache Kafka, a real PostgreSQL and the four services as supervised processes.

`deploy.stack.lifecycle.Stack` is the front door; everything it writes is below one folder (`home.py`).
"""
