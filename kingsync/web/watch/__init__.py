"""What machines ask of this installation."""
