"""URLs of the work order pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from kingsync.web.work_orders import (
    action_pages,
    bulk_pages,
    dry_run_pages,
    fetch_pages,
    list_download,
    saved_view_pages,
    work_order_pages,
)
from kingsync.web.work_orders.order_page import care_pages

ONE = "t/<slug:slug>/work-orders/<int:work_order_id>/"

urlpatterns: list[URLPattern] = [
    path("t/<slug:slug>/work-orders/", work_order_pages.work_orders, name="work_orders"),
    path("t/<slug:slug>/work-orders/decide/", bulk_pages.act_on_many, name="decide_many"),
    path("t/<slug:slug>/work-orders/file/<str:form>/", list_download.work_orders_file, name="work_orders_file"),
    path("t/<slug:slug>/work-orders/views/save/", saved_view_pages.save_view, name="save_view"),
    path("t/<slug:slug>/work-orders/views/<int:view_id>/remove/", saved_view_pages.remove_view, name="remove_view"),
    path("t/<slug:slug>/work-orders/causes/", bulk_pages.causes_page, name="causes"),
    path("t/<slug:slug>/work-orders/causes/decide/", bulk_pages.act_on_cause, name="decide_cause"),
    path("t/<slug:slug>/work-orders/fetch/", fetch_pages.fetch, name="fetch_work_order"),
    path("t/<slug:slug>/work-orders/fetch/<int:call_id>/", fetch_pages.use, name="use_fetched"),
    path(ONE, work_order_pages.work_order, name="work_order"),
    path(f"{ONE}decide/", action_pages.decide, name="decide"),
    path(f"{ONE}care/", care_pages.change_care, name="change_care"),
    path(f"{ONE}preview/", dry_run_pages.preview, name="preview"),
    path(f"{ONE}export/", dry_run_pages.export_one, name="export_one"),
    path(f"{ONE}run/<int:run_id>/", dry_run_pages.work_order_run, name="work_order_run"),
]
