"""One file a question; see README.md."""
