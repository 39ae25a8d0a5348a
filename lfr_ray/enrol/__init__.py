"""Pictures of people become entries of the watchlist."""
