"""The app's own settings, with what a test run needs in the environment.

SQLite in memory by default; with DATABASE_URL the same tests run on that server.
"""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-0123456789-0123456789-0123456789")
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")
os.environ.setdefault("NOTES_COMMIT", "a3f92bd0c0ffee0000000000000000000000beef")
os.environ.setdefault("POD_NAME", "notes-app-5d9c-x7k2p")

from notesapp.settings import *  # noqa: E402, F403

# The hashed names come from collectstatic, which test_deployment.py runs by itself.
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
}
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # noqa: F405
