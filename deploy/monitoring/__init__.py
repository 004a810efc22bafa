"""How the city and the system are watched: what Prometheus scrapes and judges, and Grafana's boards."""
