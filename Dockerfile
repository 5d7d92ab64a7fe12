# The production image: no compiler, no root, static files inside.
FROM python:3.13-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt && useradd --system --uid 10001 --home-dir /app foodfleet
COPY . .
# Collecting reads settings, which refuse to start without a secret; this one leaves no trace in the image.
# A volume takes over the owner of the folder that it covers: attachments wait in var/media.
RUN mkdir -p var/media && SECRET_KEY=only-for-collecting-static-files-at-build-time python manage.py collectstatic --noinput \
    && chown -R foodfleet var
USER foodfleet
EXPOSE 8000
ENV PORT=8000 WEB_CONCURRENCY=2 DEBUG=false
CMD ["sh", "-c", "exec python -m foodfleet.supervise serve --host 0.0.0.0 --port $PORT --workers $WEB_CONCURRENCY"]
