"""Grafana's boards as code. `python -m deploy.monitoring.boards` writes their JSON anew."""
