"""What dispatch remembers, and the only SQL there is: `orders` for the transactions, `reads` for the API."""
