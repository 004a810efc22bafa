"""What intake remembers: key rows in PostgreSQL, reports that wait for Kafka on disk, the last reports in memory."""
