"""What scripts read, as JSON: one function for the commands and the API."""
