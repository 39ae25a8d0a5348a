"""HTTP for alert consumers and the console."""
