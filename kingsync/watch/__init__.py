"""What is measured of our own work: log context, counts, spans. It never fails or delays what it watches."""
