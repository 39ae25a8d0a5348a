"""Camera tests. The RTSP server is a program of the system's Python, not a module to import here."""

from __future__ import annotations

collect_ignore = ["rtsp_server.py"]
