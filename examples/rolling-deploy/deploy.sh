#!/bin/sh
# deploy.sh COMMAND…: for each server of the application: let it finish what it has, run COMMAND, wait until it is well,
# and only then go on to the next. {} in COMMAND is the server's host and port. The first failure ends it.
#
#   ./deploy.sh ssh deploy@{} sudo systemctl restart app
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
exec rpx-check roll --socket "${CONTROL:-rpx.sock}" --upstream app --timeout "${PATIENCE:-60s}" -- "$@"
