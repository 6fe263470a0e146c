"""What one thread and one session of a process keep for all of its runs."""
