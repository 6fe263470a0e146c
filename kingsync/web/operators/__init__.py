"""Pages for operators and monitors only."""
