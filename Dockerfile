# The production image: no compiler, no tests, not root, static files included. It runs with a read-only root; /tmp must
# be writable (a tmpfs), and var/media where attachments wait in files.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1
# --build-arg EXTRA=requirements-tracing.txt adds OpenTelemetry and Sentry (docs/tracing.md).
ARG EXTRA=requirements.txt
COPY requirements.txt requirements-tracing.txt .
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt -r $EXTRA

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/venv/bin:$PATH
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /app foodfleet
COPY --from=build /venv /venv
COPY . .
# collectstatic needs a SECRET_KEY to read the settings; this one is used for nothing else and is not kept in the image.
# A new volume takes over the owner of the directory it is mounted on: var belongs to the user that the processes run as.
RUN mkdir -p var/media && SECRET_KEY=only-for-collecting-static-files-at-build-time python manage.py collectstatic --noinput \
    && chown -R foodfleet var
USER 10001
EXPOSE 8000
ENV PORT=8000 WEB_CONCURRENCY=2 DEBUG=false
# For the web server. A container that runs another process needs a health check of its own (docker-compose.yml has them).
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live/', timeout=4)"]
CMD ["sh", "-c", "exec python -m foodfleet serve --host 0.0.0.0 --port $PORT --workers $WEB_CONCURRENCY"]
