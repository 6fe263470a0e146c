"""How long, and how many, a tenant's values may be: for tenant file, columns and forms alike."""

from __future__ import annotations

SLUG = 50
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
NAME = 200
PERSON_NAME = 150
ADDRESS = 300  # of a system
ADMINISTRATION = 100
SECRET = 500
CERTIFICATE = 100_000
BUSY_CODE = 100
EMAIL = 254
REVENUE_GROUP = 10
ARTICLE = 20
# Codes and words of OutSmart's and King's: statuses, warehouses, types of work.
CODE = 255
TEXT_LINE = 500
TEXT_LINES = 4
# Values of one list.
ENTRIES = 1000
MINUTES = 7 * 24 * 60
SQL_SECONDS = 3600
PERCENT = 100
# Days that runs and their log are kept.
LOG_DAYS_LEAST, LOG_DAYS, LOG_DAYS_MOST = 7, 90, 3650
