# syntax=docker/dockerfile:1
# One image for web, workers, clock and migrations; what it does is the command it is given. A second one, of the
# target `sandbox`, has both vendors' stand-ins too.
# The Python that the tests run on, and its Debian: an exact version, so that a build is the same next year.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS packages
WORKDIR /build
COPY requirements/uv.lock requirements/run.lock requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.lock
RUN python -m venv --without-pip /venv \
    && uv pip sync --no-cache --python /venv/bin/python --require-hashes --compile-bytecode requirements/run.lock

FROM python:${PYTHON} AS application
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin kingsync
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=kingsync.settings
WORKDIR /app
COPY manage.py ./
COPY integrations integrations
COPY kingsync kingsync
COPY templates templates
COPY static static
# The two words are no secrets: the settings want them to be there, and collecting files uses neither.
RUN SECRET_KEY=only-for-this-step-of-the-build-0123456789 ENCRYPTION_KEYS=only-for-this-step-of-the-build-0123456789 python manage.py collectstatic --no-input \
    && python -m compileall -q integrations kingsync \
    && mkdir /state /king-xml /journal && chown kingsync /state /king-xml /journal
# By number: Kubernetes cannot see of a name that it is not root.
USER 10001
EXPOSE 8000
CMD ["python", "-m", "kingsync.serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]

FROM application AS sandbox
COPY sandboxes sandboxes

FROM application
