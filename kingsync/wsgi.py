"""The WSGI application."""

from __future__ import annotations

import importlib
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from kingsync import struct_types
from kingsync.celery import app as celery_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")
celery_app.set_default()  # tasks sent from pages go to our broker
application = get_wsgi_application()
importlib.import_module(settings.ROOT_URLCONF)  # all pages, before several threads serve the first of them
struct_types.work_out()
