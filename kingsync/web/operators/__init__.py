"""What only operators and monitors see."""
