"""OutSmart's API as a sandbox."""
