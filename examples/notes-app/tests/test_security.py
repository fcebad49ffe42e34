"""What the pages refuse, and what they send along."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from notes.models import Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict() -> Client:
    """A client whose forms are checked as a browser's are."""
    return Client(enforce_csrf_checks=True)


def token(client: Client) -> str:
    """The token of the form for a new note."""
    page = client.get(reverse("create")).content.decode()
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]


def test_a_form_without_token_changes_nothing(strict):
    response = strict.post(reverse("create"), {"title": "forged"})
    assert response.status_code == 403
    assert b"could not be checked" in response.content
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8000", "http://localhost:8000", 302),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", 302),
        # A proxy or a port-forward may change the Host; the origins a person uses are trusted by name.
        ("localhost", "http://localhost:8000", 302),
        ("localhost:8000", "https://elsewhere.example", 403),
    ],
)
def test_only_forms_from_our_own_pages_are_taken(strict, host, origin, status):
    typed = {"title": "mine", "csrfmiddlewaretoken": token(strict)}
    response = strict.post(reverse("create"), typed, headers={"host": host, "origin": origin})
    assert response.status_code == status


@pytest.mark.parametrize("path", ["/", "/notes/new/", "/nothing/"])
def test_pages_allow_only_what_they_use(client, path):
    response = client.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    page = response.content.decode()
    assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=|javascript:", page), "nothing inline"


def test_cookies_cannot_be_read_by_scripts(client):
    client.post(reverse("create"), {"title": "a"})
    client.get(reverse("create"))
    kept = [cookie for cookie in client.cookies.values() if cookie.value]
    assert kept
    assert all(cookie["httponly"] for cookie in kept)
