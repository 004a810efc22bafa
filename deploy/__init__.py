"""Whatever runs the system: the one-machine stack, containers, monitoring, the operator command, cities, simulator."""
