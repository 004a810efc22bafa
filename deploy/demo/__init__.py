"""`paidan demo`: starts the stack, tells three stories live, and leaves the city running."""
