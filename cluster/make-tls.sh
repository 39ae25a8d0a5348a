#!/bin/sh
# Makes what Ray's TLS needs: an authority, and for each node a key and a certificate that its addresses stand in.
#   cluster/make-tls.sh FOLDER NODE...      NODE is an IP address or a host name; one that exists is left as it is
# Bring FOLDER/NODE/ to each node (mode 700, the user who runs Ray), keep FOLDER/authority.key offline, and start Ray with
#   RAY_USE_TLS=1 RAY_TLS_SERVER_CERT=.../node.crt RAY_TLS_SERVER_KEY=.../node.key RAY_TLS_CA_CERT=.../authority.crt
set -eu
umask 077
[ $# -ge 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1
shift
mkdir -p "$folder"
if [ ! -f "$folder/authority.key" ]; then
    openssl req -x509 -newkey rsa:3072 -nodes -days 366 -subj "/CN=lfr ray authority" \
        -keyout "$folder/authority.key" -out "$folder/authority.crt"
fi
for node; do
    [ -d "$folder/$node" ] && continue
    rm -rf "$folder/unfinished"
    mkdir "$folder/unfinished"
    case $node in *:*) name="IP:$node" ;; *[!0-9.]*) name="DNS:$node" ;; *) name="IP:$node" ;; esac
    openssl req -newkey rsa:3072 -nodes -subj "/CN=$node" \
        -keyout "$folder/unfinished/node.key" -out "$folder/unfinished/node.csr"
    printf 'subjectAltName=%s,IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" |
        openssl x509 -req -in "$folder/unfinished/node.csr" -days 366 -CA "$folder/authority.crt" \
            -CAkey "$folder/authority.key" -CAcreateserial -extfile /dev/stdin -out "$folder/unfinished/node.crt"
    rm "$folder/unfinished/node.csr"
    cp "$folder/authority.crt" "$folder/unfinished/"
    mv "$folder/unfinished" "$folder/$node"
done
