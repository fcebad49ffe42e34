"""The app's name, for Django."""

from django.apps import AppConfig


class NotesConfig(AppConfig):
    """Notes: the one app of this project."""

    name = "notes"
