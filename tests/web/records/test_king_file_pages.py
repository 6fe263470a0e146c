"""The page of King's files: what it shows, accepts and refuses."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kingsync import tasks
from kingsync.imports.files import store as files_of_tenant
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.records.king_uploads import FILES_AT_ONCE
from tests import disks, factories
from tests.web.conftest import People
from tests.web.settings.settings_entries import entries

SAMPLES = Path(__file__).parent.parent.parent / "samples"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tasks.run_sync, "apply_async", lambda **_message: None)
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")
    return tmp_path / "king-xml"


def sample(name: str = "king-artikelen.xml", *, called: str = "") -> SimpleUploadedFile:
    return SimpleUploadedFile(called or name, (SAMPLES / name).read_bytes(), content_type="text/xml")


def large(name: str = "large.xml", number: int = 0) -> SimpleUploadedFile:
    """Return one of King's files, of a little more than a megabyte."""
    return SimpleUploadedFile(name, b"<KING_ARTIKELEN>" + b" " * (1_100_000 + number) + b"</KING_ARTIKELEN>")


def upload(browser: Client, tenant: Tenant, *files: SimpleUploadedFile) -> str:
    """Upload files; return the page that follows."""
    answer = browser.post(reverse("king_files", args=[tenant.slug]), {"files": files}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def rows() -> list[KingFile]:
    return list(KingFile.across_tenants.order_by("id"))


def contents(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_uploaded_files_start_an_import_of_them(editor: Client, tenant: Tenant, people: People, folder: Path) -> None:
    page = upload(editor, tenant, sample(), sample("king-orders.xml"))

    assert "The import of the files has been started." in page
    assert "king-artikelen.xml" in page
    assert "2 files are waiting" in page
    found = rows()
    assert [(row.document, row.state, row.uploaded_by_id) for row in found] == [
        ("KING_ARTIKELEN", "new", people.editor.pk),
        ("KING_ORDERS", "new", people.editor.pk),
    ]
    run = SyncRun.across_tenants.get()
    assert (run.kind, run.options) == (RunKind.IMPORT, {"files": [row.pk for row in found]})
    assert {(folder / row.path).read_bytes() for row in found} == {path.read_bytes() for path in contents(folder)}
    assert len(contents(folder)) == 2


def test_files_uploaded_during_an_import_wait_for_the_next(editor: Client, tenant: Tenant) -> None:
    factories.run(tenant, RunKind.IMPORT, RunStatus.RUNNING)

    page = upload(editor, tenant, sample())

    assert "The next one reads the files." in page
    assert [row.state for row in rows()] == ["new"]


def test_the_same_file_twice_is_kept_once(editor: Client, tenant: Tenant, folder: Path) -> None:
    upload(editor, tenant, sample(), sample(called="copy.xml"))

    assert len(rows()) == len(contents(folder)) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html/>", "not an export file"),
        (b"<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'><KING_ARTIKELEN/>", "DOCTYPE"),
        (b"not xml", "damaged at line 1"),
        (b"", "damaged at line 1"),
    ],
)
def test_a_file_that_is_not_kings_is_refused_at_once(
    editor: Client, tenant: Tenant, folder: Path, content: bytes, told: str
) -> None:
    page = upload(editor, tenant, SimpleUploadedFile("wrong.xml", content), sample())

    assert told in page
    assert [row.name for row in rows()] == ["king-artikelen.xml"]
    assert len(contents(folder)) == 1


def test_a_file_beyond_the_limit_is_refused_and_nothing_is_kept(
    editor: Client, tenant: Tenant, folder: Path, settings: Any
) -> None:
    settings.KING_XML_MAX_MB = 1

    page = upload(editor, tenant, sample(), large())

    assert "Nothing was uploaded." in page
    assert "“large.xml” is larger than 1 MB" in page
    assert (rows(), contents(folder)) == ([], [])


def test_files_beyond_the_limit_together_are_refused(
    editor: Client, tenant: Tenant, folder: Path, settings: Any
) -> None:
    settings.KING_XML_REQUEST_MB = 2

    page = upload(editor, tenant, large(), large())

    assert "The files are larger than 2 MB in total." in page
    assert (rows(), contents(folder)) == ([], [])


def test_too_many_files_are_refused(editor: Client, tenant: Tenant, folder: Path) -> None:
    files = [sample(called=f"{number}.xml") for number in range(FILES_AT_ONCE + 1)]

    page = upload(editor, tenant, *files)

    assert f"at most {FILES_AT_ONCE} files at once" in page
    assert (rows(), contents(folder)) == ([], [])


def test_a_company_has_so_much_room_and_no_more(editor: Client, tenant: Tenant, folder: Path, settings: Any) -> None:
    settings.KING_XML_TENANT_MB = 3
    told = [upload(editor, tenant, large(f"{number}.xml", number)) for number in range(3)]

    assert "The import of the files has been started." in told[0]
    assert "There is room for 0 MB more." in told[2]
    assert len(rows()) == len(contents(folder)) == 2
    with tenants.scope(tenant):
        files_of_tenant.remove(rows()[0])
    assert "Nothing was uploaded" not in upload(editor, tenant, large("again.xml", 7))


def test_a_full_disk_is_said_nothing_is_kept_and_the_next_upload_works(
    editor: Client, tenant: Tenant, folder: Path
) -> None:
    with disks.full(after_bytes=500_000):
        page = upload(editor, tenant, large())
    while_full = contents(folder), rows()

    assert "Nothing was uploaded. The disk of kingsync is full or cannot be written." in page
    assert while_full == ([], [])
    upload(editor, tenant, large())
    assert len(rows()) == 1


def test_a_copy_that_does_not_fit_leaves_nothing_behind(
    editor: Client, tenant: Tenant, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_links(*_paths: object) -> None:
        raise OSError

    monkeypatch.setattr("os.link", no_links)
    incoming = tmp_path / "incoming.xml"
    incoming.write_bytes(large().read())

    with tenants.scope(tenant), disks.full(after_bytes=500_000), pytest.raises(files_of_tenant.NoDiskError):
        files_of_tenant.keep(incoming, "large.xml")

    assert (contents(folder), rows()) == ([], [])


def test_uploads_at_the_same_moment_share_the_room(
    editor: Client, tenant: Tenant, folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KING_XML_TENANT_MB = 2
    upload(editor, tenant, large("first.xml", 1))
    # Each of them was given the room that there was before the other.
    monkeypatch.setattr(files_of_tenant, "room", lambda: 2 * 1024 * 1024)

    page = upload(editor, tenant, large("second.xml", 2))

    assert "“second.xml”: There is room for" in page
    assert len(rows()) == len(contents(folder)) == 1


@pytest.mark.parametrize(
    ("length", "told"), [(3_000_000_000, "larger than 1000 MB in total"), (900_000_000, "There is room for 10 MB more")]
)
def test_a_request_that_is_too_long_is_refused_before_it_is_read(
    editor: Client, tenant: Tenant, folder: Path, settings: Any, length: int, told: str
) -> None:
    settings.KING_XML_TENANT_MB = 5000 if length > 1_000_000_000 else 10
    address = reverse("king_files", args=[tenant.slug])
    never: Any = io.BytesIO(b"--x")
    sent: dict[str, Any] = {"CONTENT_LENGTH": str(length), "wsgi.input": never}

    answer = editor.post(address, {}, content_type="multipart/form-data; boundary=x", **sent)

    assert (answer.status_code, never.tell()) == (302, 0)
    assert told in editor.get(address).content.decode()


def test_the_limits_are_said_before_anything_is_sent(editor: Client, tenant: Tenant) -> None:
    page = editor.get(reverse("king_files", args=[tenant.slug])).content.decode()

    assert f"At most {FILES_AT_ONCE} files at once, 500 MB each and 1000 MB in total; there is room for 5000 MB" in page
    assert f'data-most-bytes-each="{500 * 1024 * 1024}"' in page


def test_a_name_cannot_lead_out_of_the_folder(editor: Client, tenant: Tenant, folder: Path) -> None:
    upload(editor, tenant, sample(called="../../<b>x</b>.xml"), sample("king-orders.xml", called="..\\..\\c:boot.ini"))

    assert [row.name for row in rows()] == ["b_.xml", "c_boot.ini"]
    assert {path.parent for path in contents(folder)} == {folder / tenant.slug / "uploads"}


def test_an_upload_without_files_says_so(editor: Client, tenant: Tenant) -> None:
    assert "Choose one or more files." in upload(editor, tenant)


def test_without_a_folder_nothing_can_be_uploaded(editor: Client, tenant: Tenant, settings: Any) -> None:
    settings.KING_XML_FOLDER = ""

    page = editor.get(reverse("king_files", args=[tenant.slug])).content.decode()

    assert "KING_XML_FOLDER" in page
    assert 'type="file"' not in page
    upload(editor, tenant, sample())
    assert rows() == []


def test_a_viewer_sees_the_files_and_may_not_bring_any(viewer: Client, tenant: Tenant, folder: Path) -> None:
    factories.king_file(tenant)
    address = reverse("king_files", args=[tenant.slug])

    page = viewer.get(address).content.decode()
    refused = viewer.post(address, {"files": [sample()]})

    assert "KING_ARTIKELEN" in page
    assert 'type="file"' not in page
    assert refused.status_code == 403
    assert not folder.exists()


def test_an_upload_needs_the_token_of_the_form(tenant: Tenant, people: People, folder: Path) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.editor)

    answer = browser.post(reverse("king_files", args=[tenant.slug]), {"files": [sample()]})

    assert answer.status_code == 403
    assert rows() == []
    assert contents(folder) == []


def test_the_reason_of_a_file_is_a_sentence(viewer: Client, tenant: Tenant) -> None:
    reason = {"code": "system.file_broken", "params": {"operation": "a.xml", "detail": "7"}}
    factories.king_file(tenant, state=KingFile.State.FAILED, reason=reason)

    page = viewer.get(reverse("king_files", args=[tenant.slug])).content.decode()

    assert "is cut off or damaged at line 7" in page


def test_a_waiting_upload_can_be_removed(editor: Client, tenant: Tenant, folder: Path) -> None:
    upload(editor, tenant, sample())
    (row,) = rows()

    page = editor.post(reverse("king_file_remove", args=[tenant.slug, row.pk]), follow=True).content.decode()

    assert "“king-artikelen.xml” was removed." in page
    assert (rows(), contents(folder)) == ([], [])


@pytest.mark.parametrize("fields", [{"state": "read"}, {"path": "jansen/a.xml"}, {"path": "/elsewhere/uploads/a.xml"}])
def test_what_was_read_or_lies_elsewhere_cannot_be_removed(
    editor: Client, tenant: Tenant, fields: dict[str, str]
) -> None:
    row = factories.king_file(tenant, **fields)

    assert editor.post(reverse("king_file_remove", args=[tenant.slug, row.pk])).status_code == 404
    assert rows() == [row]


def test_a_file_of_another_tenant_is_not_found(editor: Client, tenant: Tenant) -> None:
    row = factories.king_file(factories.tenant())

    assert editor.post(reverse("king_file_remove", args=[tenant.slug, row.pk])).status_code == 404


def test_waiting_files_can_be_imported_by_a_button(editor: Client, tenant: Tenant) -> None:
    row = factories.king_file(tenant)
    address = reverse("king_files_import", args=[tenant.slug])

    editor.post(address)
    KingFile.across_tenants.update(state=KingFile.State.READ)
    nothing = editor.post(address, follow=True).content.decode()

    assert SyncRun.across_tenants.get().options == {"files": [row.pk]}
    assert "No file is waiting." in nothing


def test_the_page_says_where_imports_read_from(viewer: Client, tenant: Tenant) -> None:
    address = reverse("king_files", args=[tenant.slug])

    before = viewer.get(address).content.decode()
    with tenants.scope(tenant):
        Connection.objects.filter(system=System.KING).update(reader=Connection.Reader.FILES)
    after = viewer.get(address).content.decode()

    assert "Imports use King&#x27;s web services." in before or "Imports use King's web services." in before
    assert "XML export files: those in the folder" in after


def test_the_operator_finds_the_files_in_the_admin(client: Client, tenant: Tenant, people: People) -> None:
    row = factories.king_file(tenant)
    client.force_login(people.operator)

    listed = client.get("/admin/kingsync/kingfile/")
    shown = client.get(f"/admin/kingsync/kingfile/{row.pk}/change/")

    assert row.name in listed.content.decode()
    assert shown.status_code == 200


def test_an_editor_chooses_in_the_settings_where_imports_read(editor: Client, tenant: Tenant) -> None:
    address = reverse("settings", args=[tenant.slug])
    shown = entries(editor)

    chosen = editor.post(address, shown | {"king-reader": "files"})
    without = editor.post(address, {name: value for name, value in shown.items() if name != "king-reader"})

    assert "king-reader" in shown
    assert {chosen.status_code, without.status_code} <= {200, 302, 409}
    with tenants.scope(tenant):
        assert Connection.objects.get(system=System.KING).reader == Connection.Reader.FILES


def test_a_king_without_webservices_needs_no_address(editor: Client, tenant: Tenant) -> None:
    address = reverse("settings", args=[tenant.slug])
    empty = {"king-base_url": "", "king-administration": "", "king-access_code": ""}

    refused = editor.post(address, entries(editor) | empty | {"king-reader": "webservice"})
    saved = editor.post(address, entries(editor) | empty | {"king-reader": "files"})

    assert (refused.status_code, saved.status_code) == (422, 302)
    with tenants.scope(tenant):
        king = Connection.objects.get(system=System.KING)
    assert (king.base_url, king.reader) == ("", Connection.Reader.FILES)


def test_a_stored_code_does_not_follow_to_an_address_that_comes_later(editor: Client, tenant: Tenant) -> None:
    address = reverse("settings", args=[tenant.slug])
    editor.post(address, entries(editor) | {"king-base_url": "", "king-reader": "files"})

    editor.post(address, entries(editor) | {"king-base_url": "http://127.0.0.1:9", "king-reader": "files"})

    with tenants.scope(tenant):
        assert Connection.objects.get(system=System.KING).base_url == ""
