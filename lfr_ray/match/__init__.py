"""From vectors to possible matches with the watchlist."""
