"""What `manage.py doctor` looks at: each check by itself, with a time limit, without a secret in what it says."""
