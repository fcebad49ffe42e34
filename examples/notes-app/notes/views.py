"""The pages. Each works without JavaScript; each change is a POST followed by a redirect."""

from http import HTTPStatus

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from .forms import NoteForm, VersionForm
from .models import Conflict, Note

PAGE_SIZE = 20


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Lists notes, the latest first, or those in which the words of `q` occur."""
    query = request.GET.get("q", "").strip()[:200]
    notes = Note.objects.search(query)
    page = Paginator(notes, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notes/index.html", {"page": page, "query": query})


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one note."""
    return render(request, "notes/detail.html", {"note": get_object_or_404(Note, pk=pk)})


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Makes a note."""
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = form.save()
        messages.success(request, f"“{note}” was created.")
        return redirect(note)
    return render(request, "notes/form.html", {"form": form}, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a note, unless somebody else did in between: then both texts are shown and nothing is lost."""
    note = get_object_or_404(Note, pk=pk)
    if request.method != "POST":
        form = NoteForm(instance=note, initial={"version": note.version})
        return render(request, "notes/form.html", {"form": form, "note": note})
    # NB: without `instance`, because a ModelForm writes what was typed into it, and a conflict must show what is stored.
    form = NoteForm(request.POST)
    if form.is_valid():
        typed = form.cleaned_data
        try:
            note.change(title=typed["title"], body=typed["body"], version=typed["version"] or 0)
        except Conflict:
            return edit_conflict(request, pk, form)
        messages.success(request, f"“{note}” was saved.")
        return redirect(note)
    return render(request, "notes/form.html", {"form": form, "note": note}, status=status_of(form))


def edit_conflict(request: HttpRequest, pk: int, form: NoteForm) -> HttpResponse:
    """Shows what is stored now beside what was typed; saving again then overwrites knowingly."""
    stored = Note.objects.filter(pk=pk).first()
    if stored is None:
        form = NoteForm(initial=form.cleaned_data)
    else:
        form = NoteForm(initial=form.cleaned_data | {"version": stored.version})
    context = {"form": form, "note": stored, "conflict": True}
    return render(request, "notes/form.html", context, status=HTTPStatus.CONFLICT)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks, then deletes a note, unless it was changed after it was shown."""
    note = get_object_or_404(Note, pk=pk)
    form = VersionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            note.discard(version=form.cleaned_data["version"])
        except Conflict:
            note = get_object_or_404(Note, pk=pk)
            context = {"note": note, "conflict": True}
            return render(request, "notes/delete.html", context, status=HTTPStatus.CONFLICT)
        messages.success(request, f"“{note}” was deleted.")
        return redirect("index")
    return render(request, "notes/delete.html", {"note": note}, status=status_of(form))


def status_of(form) -> HTTPStatus:
    """Returns 422 for a form that was sent with mistakes, so that scripts notice what people read."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound and form.errors else HTTPStatus.OK


def error_page(request: HttpRequest, status: HTTPStatus, title: str, advice: str) -> HttpResponse:
    """Renders a page that says what went wrong and what to do."""
    return render(request, "notes/error.html", {"title": title, "advice": advice}, status=status)


def bad_request(request: HttpRequest, exception=None) -> HttpResponse:
    """Answers a request that cannot be understood."""
    return error_page(request, HTTPStatus.BAD_REQUEST, "Bad request", "Check the address.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answers a form that came without its token, or from another site."""
    advice = "The form was open for too long, or cookies are off. Go back, reload the page and send it again."
    return error_page(request, HTTPStatus.FORBIDDEN, "This form could not be checked", advice)


def page_not_found(request: HttpRequest, exception=None) -> HttpResponse:
    """Answers an address that leads nowhere."""
    return error_page(request, HTTPStatus.NOT_FOUND, "Not found", "There is no such page, or the note was deleted.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers when something broke; the log has the reason."""
    return error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke", "Please try again in a moment.")
