#!/bin/sh
# HTTPS on this machine in a minute, with an authority of our own that nobody else trusts:
#
#     ./dev.sh 3000 curl https://localhost:8443/
#
# serves what listens on port 3000 over HTTPS on port 8443 for as long as the command runs, which trusts the authority
# (curl, OpenSSL, Python, node, Go). No trust store is touched; `rpx-cert ca trust` is for who wants that.
set -eu
port=$1
shift
[ -e ca/ca.pem ] || rpx-cert ca init >&2
eval "$(rpx-cert ca issue --env --force --out dev localhost 127.0.0.1)"
exec rpx-serve run -c "${RPX_TOML:-rpx.toml}" --set "upstream.app.servers=[\"http://127.0.0.1:$port\"]" --exec "$@"
