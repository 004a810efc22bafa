"""What dispatch announces about orders, by theme."""
