"""The city simulator: its texts, devices, pace, and what it makes of the answers."""
