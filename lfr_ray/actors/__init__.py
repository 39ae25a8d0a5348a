"""The stages as Ray actors and Serve deployments."""
