"""The stages joined in one process, without Ray."""
