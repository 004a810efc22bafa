"""What may happen to an order, who may do it, and what comes of it. Pure: the time and the state are arguments."""
