"""Who may use a site over HTTP: tokens, and people whom an issuer of identities knows."""
