"""Tests of sandboxes/."""
