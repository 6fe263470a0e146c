"""Accounts: who may join, log in, and how often that was tried."""
