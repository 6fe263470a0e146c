"""Tests of deployment: image, translations, error tracker, output."""
