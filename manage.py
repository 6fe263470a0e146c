#!/usr/bin/env python
"""Entry point of every command of a checkout; an installed package has it as `kingsync`."""

from __future__ import annotations

from kingsync.__main__ import main

if __name__ == "__main__":
    main()
