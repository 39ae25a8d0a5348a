"""Live facial recognition on Ray: cameras to alerts, and nobody else remembered."""

from lfr_ray.telemetry_off import hush

__version__ = "0.1.0"

hush()
