"""Who hears that a month was signed: a room above this one connects to `month_signed` when Django starts.

It is sent in the transaction that stores the statement, so that what a listener stores is kept, or lost, together with
it. A listener makes no call to anyone: it stores what is to be sent, and sends it after the commit.
"""

from __future__ import annotations

from django.dispatch import Signal

# Arguments: `statement`, the `SignedStatement`; the sender is its class. The scope of its tenant is open.
month_signed = Signal()
