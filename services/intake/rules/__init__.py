"""What a report must be to come in, and how urgent it looks. Pure."""
