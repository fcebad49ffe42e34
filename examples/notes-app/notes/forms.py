"""What people send."""

from django import forms

from .models import Note


class NoteForm(forms.ModelForm):
    """Title and text of a note, and the version it was made from."""

    version = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    title = forms.CharField(
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "A note needs a title."},
    )

    class Meta:
        """The fields people edit."""

        model = Note
        fields = ["title", "body"]
        labels = {"body": "Text"}
        widgets = {"body": forms.Textarea(attrs={"rows": 12})}


class VersionForm(forms.Form):
    """The version of the note that is to be deleted."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
