"""The machinery of runs: it knows neither exports nor imports."""
