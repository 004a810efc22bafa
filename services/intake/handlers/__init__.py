"""What happens to a report behind the front door: its key, its lane, Kafka or the spool."""
