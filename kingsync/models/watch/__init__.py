"""What is counted of our own work."""
