"""Tests of integrations/ without a system at the other end."""
