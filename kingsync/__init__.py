"""kingsync: work orders from OutSmart to King, King's master data back."""

from integrations import version

__version__ = version.VERSION
