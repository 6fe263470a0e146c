"""All pages of the application; the admin is in `kingsync.urls`."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.views.i18n import set_language

from kingsync.web import call_pages
from kingsync.web.accounts import account_urls
from kingsync.web.audit import audit_download, audit_page
from kingsync.web.connect import connect_urls
from kingsync.web.figures import figures_page
from kingsync.web.help import help_urls
from kingsync.web.live import moves
from kingsync.web.notifications import choice_page, stopped_page, unsubscribe_page
from kingsync.web.operators import causes_page, health, tenants_page
from kingsync.web.records import change_limit_pages, king_file_pages, record_pages
from kingsync.web.runs import log_page, run_pages
from kingsync.web.search import search_page
from kingsync.web.settings import (
    administration_pages,
    check_mail_page,
    settings_history,
    settings_impact,
    settings_page,
    text_preview,
)
from kingsync.web.start import home, start_date, start_page
from kingsync.web.statements import statement_download, statement_pages
from kingsync.web.watch import metrics_page
from kingsync.web.work_orders import dry_run_pages, work_order_urls

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("operators/", tenants_page.tenants, name="operators"),
    path("operators/causes/", causes_page.causes, name="operators_causes"),
    path("health", health.health, name="health"),
    path("moved/<str:token>/", moves.moved, name="moved"),
    path("metrics", metrics_page.metrics, name="metrics"),
    path("unsubscribe/<str:sealed>/", unsubscribe_page.unsubscribe, name="unsubscribe"),
    path("favicon.ico", home.favicon, name="favicon"),
    *account_urls.urlpatterns,
    *help_urls.urlpatterns,
    path("language/", set_language, name="set_language"),
    path("t/<slug:slug>/", start_page.tenant, name="tenant"),
    path("t/<slug:slug>/live/<str:kind>/", start_page.live, name="live"),
    path("t/<slug:slug>/start/<str:kind>/", start_page.start_run, name="start_run"),
    path("t/<slug:slug>/start-date/", start_date.start_date, name="start_date"),
    path("t/<slug:slug>/settings/", settings_page.settings_page, name="settings"),
    path("t/<slug:slug>/settings/test/<str:system>/", settings_page.test_connection, name="test_connection"),
    path("t/<slug:slug>/settings/administration/", administration_pages.switch_page, name="switch_administration"),
    path("t/<slug:slug>/settings/administration/test/", administration_pages.test_other, name="test_administration"),
    path("t/<slug:slug>/settings/test-mail/", check_mail_page.test_mail, name="test_mail"),
    path("t/<slug:slug>/settings/resume-address/", stopped_page.resume_address, name="resume_address"),
    path("t/<slug:slug>/my-notifications/", choice_page.choose, name="choose_notifications"),
    path("t/<slug:slug>/settings/choices/", settings_page.refresh_choices, name="refresh_choices"),
    path("t/<slug:slug>/settings/text-preview/", text_preview.text_preview, name="text_preview"),
    path("t/<slug:slug>/settings/impact/", settings_impact.settings_impact, name="settings_impact"),
    path("t/<slug:slug>/settings/versions/", settings_history.versions, name="settings_versions"),
    path("t/<slug:slug>/settings/versions/<int:version>/restore/", settings_history.restore, name="settings_restore"),
    path("t/<slug:slug>/calls/<int:call_id>/", call_pages.background_call, name="background_call"),
    path("t/<slug:slug>/figures/", figures_page.figures, name="figures"),
    path("t/<slug:slug>/statements/", statement_pages.statements, name="statements"),
    path("t/<slug:slug>/statements/find/", statement_pages.find_statement, name="find_statement"),
    path("t/<slug:slug>/statements/<str:period>/", statement_pages.statement, name="statement"),
    path("t/<slug:slug>/statements/<str:period>/sign/", statement_pages.sign, name="sign_statement"),
    path(
        "t/<slug:slug>/statements/<str:period>/<str:document>/",
        statement_download.statement_file,
        name="statement_file",
    ),
    path(
        "t/<slug:slug>/signed-statements/<uuid:statement_id>/",
        statement_pages.signed_statement,
        name="signed_statement",
    ),
    path(
        "t/<slug:slug>/signed-statements/<uuid:statement_id>/<str:document>/",
        statement_download.signed_statement_file,
        name="signed_statement_file",
    ),
    path("t/<slug:slug>/runs/", run_pages.runs, name="runs"),
    path("t/<slug:slug>/runs/<int:run_id>/", run_pages.run, name="run"),
    path("t/<slug:slug>/runs/<int:run_id>/cancel/", run_pages.cancel_run, name="cancel_run"),
    path("t/<slug:slug>/runs/<int:run_id>/export/", dry_run_pages.export_from_dry_run, name="export_from_dry_run"),
    path("t/<slug:slug>/log/", log_page.log, name="log"),
    path("t/<slug:slug>/search/", search_page.search, name="search"),
    path("t/<slug:slug>/audit/", audit_page.audit, name="audit"),
    path("t/<slug:slug>/audit/file/<str:form>/", audit_download.audit_file, name="audit_file"),
    *work_order_urls.urlpatterns,
    *connect_urls.urlpatterns,
    path("t/<slug:slug>/records/", record_pages.records, name="records"),
    path("t/<slug:slug>/records/<int:record_id>/", record_pages.record, name="record"),
    path("t/<slug:slug>/safety-limit/<int:trip_id>/", change_limit_pages.change_limit_page, name="change_limit"),
    # Bookmarks and mails of before.
    path("t/<slug:slug>/brakes/<int:trip_id>/", change_limit_pages.change_limit_page, name="change_limit_old"),
    path("t/<slug:slug>/king-files/", king_file_pages.king_files, name="king_files"),
    path("t/<slug:slug>/king-files/import/", king_file_pages.import_waiting, name="king_files_import"),
    path("t/<slug:slug>/king-files/<int:file_id>/remove/", king_file_pages.remove, name="king_file_remove"),
]
