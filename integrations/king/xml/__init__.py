"""King's XML export files, read as a stream."""
