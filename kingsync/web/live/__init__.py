"""Parts of pages that follow an open run."""
