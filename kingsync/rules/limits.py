"""Length and count limits of a tenant's settings, for tenant file, columns and forms alike."""

from __future__ import annotations

SLUG = 50
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
NAME = 200
PERSON_NAME = 150
VIEW_NAME = 60
VIEW_QUERY = 1000  # a search and each filter once
ADDRESS = 300  # of one system
ADMINISTRATION = 100
SECRET = 500
CERTIFICATE = 100_000
BUSY_CODE = 100
EMAIL = 254
# Of an API token, for its maker; days that one may be valid.
TOKEN_NAME, TOKEN_DAYS = 100, 3650
# Of a company, at the same time.
TOKENS, WEBHOOKS = 50, 20
# Of an Idempotency-Key.
IDEMPOTENCY_KEY = 255
# Of a webhook; those of Teams are long.
WEBHOOK_ADDRESS = 1000
REVENUE_GROUP = 10
ARTICLE = 20
# Codes and values of OutSmart and King: statuses, warehouses, types of work.
CODE = 255
TEXT_LINE = 500
TEXT_LINES = 4
# What someone remarks when signing a month.
REMARK = 500
# Values in one list.
ENTRIES = 1000
MINUTES = 7 * 24 * 60
SQL_SECONDS = 3600
PERCENT = 100
# Days for which runs and their log are kept.
LOG_DAYS_LEAST, LOG_DAYS, LOG_DAYS_MOST = 7, 90, 3650
# Days for which the contents of failed calls and the examples of previews are kept: names and addresses are in them.
PAYLOAD_DAYS_LEAST, PAYLOAD_DAYS, PAYLOAD_DAYS_MOST = 1, 30, 365
# Calls that verification may make to both systems together, per company and day.
VERIFICATION_CALLS, VERIFICATION_CALLS_MOST = 2000, 100_000
# Hours without a good export, or without any run that the schedule should have started, before people hear of it.
SILENCE_HOURS_LEAST, SILENCE_HOURS, SILENCE_HOURS_MOST = 1, 6, 168
