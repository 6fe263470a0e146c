"""Tests of what is deployed: image, translations, error tracker, output."""
