"""Where each page is. The probes are not here: middleware answers them before any URL is looked at."""

from django.urls import path

from notes import views

urlpatterns = [
    path("", views.index, name="index"),
    path("notes/new/", views.create, name="create"),
    path("notes/<int:pk>/", views.detail, name="detail"),
    path("notes/<int:pk>/edit/", views.edit, name="edit"),
    path("notes/<int:pk>/delete/", views.delete, name="delete"),
]

handler400 = "notes.views.bad_request"
handler404 = "notes.views.page_not_found"
handler500 = "notes.views.server_error"
