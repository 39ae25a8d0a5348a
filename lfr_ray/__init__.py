"""Live facial recognition on Ray: cameras to alerts, and nobody else remembered."""

from lfr_ray.quiet import hush

__version__ = "0.1.0"

hush()
