"""What a person decides about a work order."""
