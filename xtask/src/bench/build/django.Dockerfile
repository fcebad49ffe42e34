FROM BASE
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY wheels wheels
COPY requirements.txt .
RUN pip install --no-index --find-links=wheels -r requirements.txt
COPY manage.py gunicorn.conf.py ./
COPY notesapp notesapp
COPY notes notes
RUN SECRET_KEY=only-for-collectstatic DATABASE_URL=sqlite:////tmp/unused.sqlite3 python manage.py collectstatic --no-input
USER 10001
CMD ["gunicorn"]
