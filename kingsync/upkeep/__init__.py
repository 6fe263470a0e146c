"""What an operator does to keep an installation well."""
