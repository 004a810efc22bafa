"""Signed messages to and from other platforms over HTTP: signatures, destinations, deliveries, and the worker that
brings them. A service makes its notices rows of the transaction they speak of (`deliveries.put`); see decision 0018."""
