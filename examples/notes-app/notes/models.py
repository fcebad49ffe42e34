"""What is kept: notes, each with the number of times it was changed."""

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone


class Conflict(Exception):
    """The note was changed or deleted by someone else since it was read."""


class NoteQuerySet(models.QuerySet):
    """Questions about notes."""

    def search(self, text: str):
        """Returns the notes in which each word of `text` occurs, in title or body, whatever its case."""
        notes = self
        for word in text.split():
            notes = notes.filter(Q(title__icontains=word) | Q(body__icontains=word))
        return notes


class Note(models.Model):
    """A title and a text."""

    title = models.CharField(max_length=120)
    body = models.TextField(blank=True, max_length=20_000)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    # Counts changes. A form sends back the version it was made from; if the note has another one by then,
    # saving would undo somebody's work unseen.
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        """The latest change first."""

        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["-updated_at", "-id"], name="notes_latest_first")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Returns the note's own page."""
        return reverse("detail", args=[self.pk])

    def change(self, *, title: str, body: str, version: int) -> None:
        """Saves a new title and body if the note still has `version`, in one statement; raises Conflict otherwise."""
        now = timezone.now()
        rows = Note.objects.filter(pk=self.pk, version=version).update(
            title=title, body=body, version=F("version") + 1, updated_at=now
        )
        if rows == 0:
            raise Conflict
        self.title, self.body, self.version, self.updated_at = title, body, version + 1, now

    def discard(self, *, version: int) -> None:
        """Deletes the note if it still has `version`; raises Conflict otherwise."""
        rows, _ = Note.objects.filter(pk=self.pk, version=version).delete()
        if rows == 0:
            raise Conflict
