"""The web server's front: requests are read before a thread works on them."""
