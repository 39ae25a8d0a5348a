# What Ray and its clients need on every node of launcher-machines.yaml: `. cluster/node-environment.sh`.
# The folder tls/ of each node is that of make-tls.sh for the node's own address.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
export RAY_USE_TLS=1 RAY_TLS_CA_CERT="$HOME/tls/authority.crt"
export RAY_TLS_SERVER_CERT="$HOME/tls/node.crt" RAY_TLS_SERVER_KEY="$HOME/tls/node.key"
