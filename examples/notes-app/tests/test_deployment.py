"""What the image and the cluster rely on; each in a process of its own, with an environment of its own."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent
REQUIRED = {
    "SECRET_KEY": "kR8v0tq2Zs4yWb6dGf1hJn3mLp5xCe7aUo9iBw-Qz_TgYrXkVh",
    "DATABASE_URL": "sqlite:////nowhere/notes.sqlite3",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs manage.py with nothing in the environment but what is named."""
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=APP,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_is_missing_is_named(name):
    result = manage("check", **{key: value for key, value in REQUIRED.items() if key != name})
    assert result.returncode != 0
    assert f"{name} is not set" in result.stderr


def test_a_switch_that_is_neither_on_nor_off_is_an_error():
    result = manage("check", **REQUIRED, DEBUG="flase")
    assert "DEBUG is 'flase'; use true or false" in result.stderr


def test_production_settings_pass_djangos_own_check():
    result = manage("check", "--deploy", "--fail-level", "WARNING", **REQUIRED, BEHIND_TLS="true")
    assert result.returncode == 0, result.stderr


def test_models_and_migrations_agree(tmp_path):
    environment = REQUIRED | {"DATABASE_URL": f"sqlite:///{tmp_path}/notes.sqlite3"}
    result = manage("makemigrations", "--check", "--dry-run", **environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_static_files_are_collected_without_a_database(tmp_path):
    settings = tmp_path / "collecting.py"
    settings.write_text(f"from notesapp.settings import *\nSTATIC_ROOT = {str(tmp_path / 'static')!r}\n")
    environment = REQUIRED | {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "collecting"}
    result = manage("collectstatic", "--no-input", **environment)
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "static" / "notes").iterdir()}
    assert any(name.startswith("style.") and name.endswith(".css.gz") for name in names), names


def test_migrate_once_twice_changes_nothing(tmp_path):
    environment = REQUIRED | {"DATABASE_URL": f"sqlite:///{tmp_path}/notes.sqlite3"}
    assert "Applying notes.0001_initial... OK" in manage("migrate_once", **environment).stdout
    assert "No migrations to apply." in manage("migrate_once", **environment).stdout


def test_a_database_that_is_not_there_is_said_in_one_line():
    # Port 1 on loopback: nothing listens there, the answer is immediate.
    environment = REQUIRED | {"DATABASE_URL": "postgres://notes:s3cret@127.0.0.1:1/notes"}
    result = manage("migrate_once", "--wait", "0", **environment)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("CommandError: the database does not answer:")
    assert "s3cret" not in result.stderr


@pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"),
    reason="DATABASE_URL names no PostgreSQL server to share between two processes",
)
def test_replicas_that_start_together_migrate_once(django_db_setup, django_db_blocker):
    from urllib.parse import urlsplit

    from django.db import connection

    with django_db_blocker.unblock():
        url = urlsplit(os.environ["DATABASE_URL"])
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS notes_together")
            cursor.execute("CREATE DATABASE notes_together")
        environment = REQUIRED | {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": url._replace(path="/notes_together").geturl(),
        }
        command = [sys.executable, "manage.py", "migrate_once"]
        started = [
            subprocess.Popen(command, cwd=APP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(4)
        ]
        said = [process.communicate(timeout=60)[0] for process in started]
        assert [process.returncode for process in started] == [0] * 4, said
        assert sum("Applying notes.0001_initial" in text for text in said) == 1
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE notes_together")


def test_gunicorn_serves_migrated_pages_from_a_read_only_directory(tmp_path):
    """Starts the command of the image, with a port of the kernel's choice."""
    result = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"],
        cwd=APP,
        env={
            "PATH": os.environ["PATH"],
            **REQUIRED,
            "DEBUG": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATABASE_URL": f"sqlite:///{tmp_path}/notes.sqlite3",
        },
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in result.stderr:
            if "Listening at: http://" in line:
                address = line.split("http://")[1].split()[0]
                break
        else:
            pytest.fail(f"gunicorn ended with {result.wait()}")
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("GET", "/readyz", headers={"Host": "10.213.0.17:8000"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ready\n")
        connection.close()
    finally:
        result.terminate()
        assert result.wait(timeout=30) == 0
        result.stderr.close()
