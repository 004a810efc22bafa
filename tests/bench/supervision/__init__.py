"""Figures of clocks, timers and recomputes: `python -m tests.bench.supervision NAME …`; docs/results/supervision.md."""
