"""What people do: list, read, create, edit, delete and search."""

import html
from http import HTTPStatus

import pytest
from django.urls import reverse

from notes.models import Note

pytestmark = pytest.mark.django_db


def text(response) -> str:
    """The page as its reader sees its characters."""
    return html.unescape(response.content.decode())


def test_an_empty_list_invites_to_write(client):
    response = client.get("/")
    assert response.status_code == HTTPStatus.OK
    assert "Write the first note" in text(response)


def test_a_note_is_created_and_read_back(client):
    response = client.post(reverse("create"), {"title": "Größe <b>", "body": "one & two\n\nthree"}, follow=True)
    note = Note.objects.get()
    assert response.redirect_chain == [(note.get_absolute_url(), HTTPStatus.FOUND)]
    assert "“Größe <b>” was created." in text(response)
    assert b"Gr\xc3\xb6\xc3\x9fe &lt;b&gt;" in response.content, "what people write is never markup"
    assert "Größe <b>" in text(client.get("/"))


def test_a_note_needs_a_title_and_what_was_typed_stays(client):
    response = client.post(reverse("create"), {"title": "  ", "body": "kept"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "A note needs a title." in text(response)
    assert "kept" in text(response)
    assert not Note.objects.exists()


@pytest.mark.parametrize(("field", "limit"), [("title", 120), ("body", 20_000)])
def test_what_is_too_long_is_refused(client, field, limit):
    typed = {"title": "t", "body": ""} | {field: "x" * (limit + 1)}
    response = client.post(reverse("create"), typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f"at most {limit} characters" in text(response)


def test_a_note_is_edited(client, note):
    page = client.get(reverse("edit", args=[note.pk]))
    assert 'name="version" value="1"' in text(page)
    response = client.post(
        reverse("edit", args=[note.pk]), {"title": "Shopping", "body": "milk", "version": 1}, follow=True
    )
    assert "“Shopping” was saved." in text(response)
    note.refresh_from_db()
    assert (note.body, note.version) == ("milk", 2)
    assert note.updated_at > note.created_at


def test_two_people_edit_and_the_second_sees_both_texts(client, note):
    url = reverse("edit", args=[note.pk])
    client.post(url, {"title": "Shopping", "body": "from Ann", "version": 1})
    response = client.post(url, {"title": "Shopping", "body": "from Bob", "version": 1})
    assert response.status_code == HTTPStatus.CONFLICT
    assert "from Ann" in text(response)
    assert "from Bob" in text(response)
    assert 'name="version" value="2"' in text(response)
    note.refresh_from_db()
    assert note.body == "from Ann"
    # Bob has seen what Ann wrote; saving again is meant.
    assert client.post(url, {"title": "Shopping", "body": "both", "version": 2}).status_code == HTTPStatus.FOUND
    note.refresh_from_db()
    assert (note.body, note.version) == ("both", 3)


def test_an_edit_without_version_changes_nothing(client, note):
    response = client.post(reverse("edit", args=[note.pk]), {"title": "Shopping", "body": "blind"})
    assert response.status_code == HTTPStatus.CONFLICT
    note.refresh_from_db()
    assert note.body == "milk\nbread"


def test_a_note_deleted_in_mid_edit_can_be_saved_as_a_new_one(client, note, monkeypatch):
    # The row goes between the view's reading and its writing.
    change = Note.change

    def deleted_first(self, **typed):
        Note.objects.all().delete()
        change(self, **typed)

    monkeypatch.setattr(Note, "change", deleted_first)
    response = client.post(reverse("edit", args=[note.pk]), {"title": "Shopping", "body": "late", "version": 1})
    assert response.status_code == HTTPStatus.CONFLICT
    assert "late" in text(response)
    assert f'action="{reverse("create")}"' in text(response)


def test_deleting_asks_first_and_then_deletes(client, note):
    url = reverse("delete", args=[note.pk])
    assert "Delete “Shopping”?" in text(client.get(url))
    assert Note.objects.count() == 1
    response = client.post(url, {"version": 1}, follow=True)
    assert "“Shopping” was deleted." in text(response)
    assert not Note.objects.exists()
    assert client.get(note.get_absolute_url()).status_code == HTTPStatus.NOT_FOUND


def test_a_note_changed_after_it_was_shown_is_not_deleted(client, note):
    note.change(title="Shopping", body="do not lose me", version=1)
    response = client.post(reverse("delete", args=[note.pk]), {"version": 1})
    assert response.status_code == HTTPStatus.CONFLICT
    assert "do not lose me" in text(response)
    assert Note.objects.count() == 1


def test_deleting_without_version_is_refused(client, note):
    response = client.post(reverse("delete", args=[note.pk]))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert Note.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("milk", {"Shopping"}),
        ("MILK shop", {"Shopping"}),
        ("monday", {"Meeting"}),
        ("100%", {"Meeting"}),
        ("m", {"Shopping", "Meeting"}),
        ("milk monday", set()),
        ("%", {"Meeting"}),
    ],
)
def test_search_finds_notes_that_have_all_words(client, note, query, found):
    Note.objects.create(title="Meeting", body="Monday, 100% attendance")
    response = client.get("/", {"q": query})
    assert {found.title for found in response.context["page"]} == found
    assert f"“{query}”" in text(response)


def test_search_survives_paging(client):
    Note.objects.bulk_create(Note(title=f"note {number}") for number in range(45))
    response = client.get("/", {"q": "note", "page": 2})
    assert "Page 2 of 3" in text(response)
    assert "?q=note&page=3" in text(response)
    assert "45 notes" in text(response)


@pytest.mark.parametrize("page", ["0", "-1", "99", "x"])
def test_a_page_that_is_not_there_shows_one_that_is(client, note, page):
    assert client.get("/", {"page": page}).status_code == HTTPStatus.OK


def test_a_list_costs_two_queries_however_long_it_is(client, django_assert_num_queries):
    Note.objects.bulk_create(Note(title=f"note {number}") for number in range(45))
    with django_assert_num_queries(2):
        client.get("/")


def test_the_footer_shows_pod_and_commit(client):
    page = text(client.get("/"))
    assert "<code>notes-app-5d9c-x7k2p</code>" in page
    assert "<code>a3f92bd0c0ff</code>" in page


@pytest.mark.parametrize("path", ["/nothing/", "/notes/999999/", "/notes/999999/edit/", "/notes/999999/delete/"])
def test_what_is_not_there_is_a_page_too(client, path):
    response = client.get(path)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "All notes" in text(response)


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/"), ("delete", "/notes/1/"), ("put", "/notes/1/edit/"), ("delete", "/notes/1/delete/")]
)
def test_other_methods_are_refused(client, method, path):
    assert getattr(client, method)(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED
