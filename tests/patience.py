"""How long a test waits for an event: only a hang reaches it, never a busy machine."""

SECONDS = 600.0
MILLISECONDS = SECONDS * 1000
