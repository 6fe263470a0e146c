"""What the product is made of: the locked packages, their known vulnerabilities, and the bill of materials."""
