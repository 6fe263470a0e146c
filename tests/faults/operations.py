"""Every operation of both clients, with a job in which it happens: the rows of the matrix.

`method` is the client's; a test compares these with the clients, so that no new operation is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults import jobs
from tests.faults.injector import Target
from tests.faults.jobs import Job


@dataclass(frozen=True)
class Operation:
    """`is_write`: the call changes something at the other side."""

    method: str
    job: Job
    target: Target
    is_write: bool = False

    @property
    def system(self) -> str:
        return self.target.system

    @property
    def name(self) -> str:
        how = f" {self.target.method}" if self.system == "outsmart" else ""
        return f"{self.target.operation}{how}: {self.method} ({self.job.name})"


def _king(method: str, job: Job, operation: str, *, text: str = "", skip: int = 0, is_write: bool = False) -> Operation:
    return Operation(method, job, Target("king", operation, "POST", text, skip), is_write)


def _read(method: str, job: Job, operation: str, *, text: str = "", skip: int = 0) -> Operation:
    return Operation(method, job, Target("outsmart", operation, "GET", text, skip))


def _write(method: str, job: Job, operation: str, *, by: str = "POST", text: str = "") -> Operation:
    return Operation(method, job, Target("outsmart", operation, by, text), is_write=True)


# Client methods that the product does not use.
UNUSED = {"king": set[str](), "outsmart": {"iter_relations"}}

OPERATIONS = [
    _king("test_connection", jobs.TEST_KING, "Webservice_Test"),
    _king("iter_pages", jobs.FIRST, "Artikelen_Opvragen"),
    _king("iter_pages", jobs.IMPORT, "Debiteuren_Opvragen"),
    _king("iter_pages", jobs.IMPORT, "Artikelen_Opvragen"),
    _king("iter_pages", jobs.IMPORT, "Tarieven_Opvragen"),
    _king("iter_pages", jobs.IMPORT, "Magazijnen_Opvragen"),
    _king("iter_pages", jobs.IMPORT, "Orders_Opvragen"),
    _king("iter_pages", jobs.CHOICES, "Magazijnen_Opvragen"),
    _king("find_record", jobs.LOOK_UP, "Artikelen_Opvragen"),
    _king("read_page", jobs.NEW, "Orders_Opvragen"),
    _king("find_orders", jobs.LOST, "Orders_Opvragen", text="ExternOrderNummer"),
    _king("get_order", jobs.NEW, "Orders_Opvragen", text="OrderNummer"),
    _king("get_order", jobs.VERIFY, "Orders_Opvragen"),
    _king("get_order", jobs.FIND, "Orders_Opvragen"),
    _king("create_order", jobs.NEW, "Order_Toevoegen", is_write=True),
    _king("add_line", jobs.NEW, "Order_OrderRegel_Toevoegen", is_write=True),
    _king("add_line", jobs.UPDATE, "Order_OrderRegel_Toevoegen", skip=1, is_write=True),
    _king("change_line", jobs.UPDATE, "Order_OrderRegel_Wijzigen", skip=1, is_write=True),
    _king("remove_line", jobs.UPDATE, "Order_OrderRegel_Verwijderen", is_write=True),
    _king("update_order", jobs.NEW, "Order_Wijzigen", is_write=True),
    _king("release_lock", jobs.NEW, "Order_LockVrijgeven", is_write=True),
    _read("test_connection", jobs.TEST_OUTSMART, "hourtypes"),
    _read("list_work_statuses", jobs.IMPORT, "workstatusses"),
    _read("list_work_statuses", jobs.TEST_OUTSMART, "workstatusses"),
    _read("list_employees", jobs.CHOICES, "employees"),
    _read("iter_work_orders", jobs.NEW, "GetWorkorders"),
    _read("iter_work_orders", jobs.FETCH, "GetWorkorders"),
    _read("get_work_order", jobs.ONE, "GetWorkorder", text="update_status=false"),
    _read("get_work_order", jobs.VERIFY, "GetWorkorder", text="update_status=false"),
    _read("find_work_order", jobs.IMPORT, "GetWorkorder", text="workorder_no="),
    _read("find_work_order", jobs.FETCH, "GetWorkorder", text="workorder_no="),
    _write("acknowledge_work_order", jobs.NEW, "GetWorkorder", by="GET", text="update_status=true"),
    _write("set_work_status", jobs.NEW, "UpdateWorkorder", by="GET"),
    _write("set_work_status", jobs.REFUSED, "UpdateWorkorder", by="GET"),
    _write("post_work_orders", jobs.IMPORT, "PostWorkorders"),
    _write("post_relations", jobs.IMPORT, "relations"),
    _write("post_contact_persons", jobs.IMPORT, "contactpersons"),
    _write("post_addresses", jobs.IMPORT, "addresses"),
    _write("post_products", jobs.IMPORT, "materials"),
    _write("post_hour_types", jobs.IMPORT, "hourtypes"),
    _write("post_warehouses", jobs.IMPORT, "warehouses"),
]
