"""Tests of what watches: counts, log lines, traces."""
