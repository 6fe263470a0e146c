"""The statements of turns at King: of one caller, and of all those of a process."""

from __future__ import annotations

from kingsync.models.turns import Caller

# No call takes longer than this in all, so a turn that lasts this much longer when a call begins outlives it.
LONGEST_CALL_SECONDS = 120.0
LEASE_SECONDS = 150.0
# Seconds added to when each caller began to wait: exports go first, but no one waits for ever.
HEAD_START_SECONDS = {Caller.EXPORT: 0.0, Caller.PAGE: 0.5, Caller.IMPORT: 5.0, Caller.VERIFICATION: 10.0}
_REQUEST_SECONDS = 3.0

_DUE = f"""since + CASE caller {
    " ".join(
        f"WHEN '{caller.value}' THEN interval '{seconds} seconds'" for caller, seconds in HEAD_START_SECONDS.items()
    )
} END"""
# All turns of a process share a session. So none may wait long for a row, which a frozen process may have locked; nor
# may ours stay locked when we are the frozen one.
PREPARE = "SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '10s'"

# --- Of one caller ----------------------------------------------------------------------------------------------------

ASK = f"""
    INSERT INTO kingsync_kingturnrequest (holder, key, caller, since, until)
    SELECT *, clock_timestamp(), clock_timestamp() + interval '{_REQUEST_SECONDS} seconds'
    FROM unnest(%(names)s::text[], %(keys)s::text[], %(callers)s::text[])
    ON CONFLICT (holder) DO UPDATE SET until = excluded.until
"""  # noqa: S608  (constants only)
LOCK = "SELECT holder, caller, until > clock_timestamp() FROM kingsync_kingturn WHERE key = %(key)s FOR UPDATE"
MAKE = """
    INSERT INTO kingsync_kingturn (key, holder, caller, until) VALUES (%(key)s, '', '', clock_timestamp())
    ON CONFLICT DO NOTHING
"""
WAITING = f"""
    SELECT holder FROM kingsync_kingturnrequest
    WHERE key = %(key)s AND until > clock_timestamp() ORDER BY {_DUE}, holder
"""  # noqa: S608  (constants only)
TAKE = f"""
    UPDATE kingsync_kingturn
    SET holder = %(me)s, caller = %(caller)s, until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
    WHERE key = %(key)s
"""  # noqa: S608  (constants only)
FORGET = "DELETE FROM kingsync_kingturnrequest WHERE holder = %(me)s"
GIVE_UP = """
    UPDATE kingsync_kingturn SET holder = '', caller = '', until = clock_timestamp()
    WHERE key = %(key)s AND holder = %(me)s
"""

# --- Of all callers of a process --------------------------------------------------------------------------------------

# Whose turn it is at the administrations that are waited for, without a lock.
LOOK = """
    SELECT waited.key, turn.holder, turn.caller, turn.until > clock_timestamp()
    FROM unnest(%(keys)s::text[]) AS waited (key) LEFT JOIN kingsync_kingturn AS turn USING (key)
"""
# A row that someone else has locked is left for the next time: he asks whether it is over.
PROLONG = f"""
    WITH mine AS (
        SELECT * FROM unnest(%(names)s::text[], %(keys)s::text[]) AS mine (holder, key)
    ), free AS (
        SELECT turn.key FROM kingsync_kingturn AS turn JOIN mine USING (holder, key) FOR UPDATE OF turn SKIP LOCKED
    ), prolonged AS (
        UPDATE kingsync_kingturn AS turn SET until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
        FROM free WHERE turn.key = free.key RETURNING turn.key
    )
    SELECT
        mine.holder,
        EXISTS (SELECT FROM prolonged WHERE prolonged.key = mine.key),
        EXISTS (SELECT FROM kingsync_kingturn AS turn WHERE turn.key = mine.key AND turn.holder = mine.holder),
        EXISTS (
            SELECT FROM kingsync_kingturnrequest AS request
            WHERE request.key = mine.key AND until > clock_timestamp() AND {_DUE} <= clock_timestamp()
        )
    FROM mine
"""  # noqa: S608  (constants only)
