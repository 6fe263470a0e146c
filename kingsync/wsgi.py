"""The WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from kingsync.celery import app as celery_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")
celery_app.set_default()  # tasks sent from pages go to our broker
application = get_wsgi_application()
