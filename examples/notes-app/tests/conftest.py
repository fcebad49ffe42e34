"""Notes to test with."""

import pytest

from notes.models import Note


@pytest.fixture
def note(db) -> Note:
    """One stored note."""
    return Note.objects.create(title="Shopping", body="milk\nbread")
