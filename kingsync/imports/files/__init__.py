"""King's XML export files: which there are, and how they come in."""
