"""Tests of devservers/."""
