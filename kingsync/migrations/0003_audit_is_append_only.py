"""The database refuses to change or delete entries of the audit trail (docs/decisions/0026-audit-trail.md).

Three doors, as settings of a transaction: `kingsync.deleting_tenant` is the company that is being deleted,
`kingsync.deleting_accounts` are the addresses of its accounts, one a line, whose entries of no company go with it, and
`kingsync.purging_audit` = on lets entries of more than a year go, so that not even this door hides what just happened.
"""

from __future__ import annotations

from django.db import migrations

REFUSE = """
CREATE FUNCTION kingsync_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_setting('kingsync.deleting_tenant', true) = OLD.tenant_id::text THEN
            RETURN OLD;
        END IF;
        IF OLD.tenant_id IS NULL AND EXISTS (
            SELECT FROM unnest(string_to_array(current_setting('kingsync.deleting_accounts', true), E'\\n')) AS email
            WHERE email <> '' AND position(lower(email) IN lower(OLD.subject || ' ' || OLD.actor)) > 0
        ) THEN
            RETURN OLD;
        END IF;
        IF current_setting('kingsync.purging_audit', true) = 'on' AND OLD.at < now() - interval '1 year' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The audit trail is append-only: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON kingsync_auditentry
    FOR EACH ROW EXECUTE FUNCTION kingsync_audit_is_append_only();
CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON kingsync_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION kingsync_audit_is_append_only();
"""
ALLOW = """
DROP TRIGGER audit_is_never_emptied ON kingsync_auditentry;
DROP TRIGGER audit_is_append_only ON kingsync_auditentry;
DROP FUNCTION kingsync_audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("kingsync", "0002_name_the_installation")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
