"""The web server's front: requests are taken in before a thread works on them."""
