"""Manual actions on work orders."""
