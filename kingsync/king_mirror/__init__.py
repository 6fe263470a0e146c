"""Data of King and OutSmart that both directions use: mirror, pick lists, connection checks."""
