"""The pages: a folder for each, and what they share."""
