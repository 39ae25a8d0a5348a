"""Authority, ledger, retention and the public record."""
