"""How many nodes a site needs: sums over measured costs, and the Serve part of its file."""
