"""King's XML export files: storage and intake."""
