"""Live facial recognition on Ray: cameras to alerts, and nobody else remembered."""

__version__ = "0.1.0"
