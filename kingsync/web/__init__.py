"""The pages: a folder per page, and what they share."""
