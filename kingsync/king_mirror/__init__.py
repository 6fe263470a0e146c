"""What King and OutSmart say of themselves, kept for both directions: mirror, pick lists, connections."""
