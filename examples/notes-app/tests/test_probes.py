"""What the kubelet asks."""

import contextlib

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from notes.middleware import ProbesMiddleware

POD_ADDRESS = "10.213.0.17:8000"


@pytest.fixture
def probe(db):
    """Asks as the kubelet does, with an address no ALLOWED_HOSTS has; each test gets middleware that remembers nothing."""
    return lambda path, **more: Client().get(path, headers={"host": POD_ADDRESS}, **more)


@contextlib.contextmanager
def database_down():
    """Makes each query fail as it does when the server is gone."""

    def fail(*_args, **_kwargs):
        raise OperationalError("connection to server at 10.0.0.5 failed: Connection refused\n\tIs it running?")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        yield


def test_the_host_is_still_checked_elsewhere(probe):
    assert probe("/").status_code == 400


def test_health_and_readiness(probe):
    assert (probe("/healthz").status_code, probe("/healthz").content) == (200, b"ok\n")
    assert (probe("/readyz").status_code, probe("/readyz").content) == (200, b"ready\n")
    assert probe("/readyz").headers["Cache-Control"] == "no-store"


def test_without_database_a_pod_lives_but_is_not_ready(probe, caplog):
    with database_down():
        assert probe("/healthz").status_code == 200
        response = probe("/readyz")
    assert response.status_code == 503
    assert response.content == b"not ready: the database does not answer\n", "no host, no user"
    assert "10.0.0.5" in caplog.text, "the log has the reason"


def test_a_database_that_comes_back_makes_the_pod_ready_again(probe):
    with database_down():
        assert probe("/readyz").status_code == 503
    assert probe("/readyz").status_code == 200


def test_missing_migrations_mean_not_ready(probe):
    MigrationRecorder(connection).record_unapplied("notes", "0001_initial")
    response = probe("/readyz")
    assert (response.status_code, response.content) == (503, b"not ready: 1 migrations are missing\n")


def test_a_ready_pod_asks_the_database_one_cheap_question(db, django_assert_num_queries):
    middleware = ProbesMiddleware(lambda request: None)
    assert middleware.missing() == ""
    with django_assert_num_queries(1):
        assert middleware.missing() == ""


def test_version_names_commit_and_pod(probe):
    response = probe("/version")
    assert response.json() == {
        "commit": "a3f92bd0c0ffee0000000000000000000000beef",
        "pod": "notes-app-5d9c-x7k2p",
    }


def test_probes_are_read_only(db):
    assert Client().post("/healthz").status_code == 405
    assert Client().head("/healthz").status_code == 200
