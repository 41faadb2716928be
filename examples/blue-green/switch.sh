#!/bin/sh
# switch.sh blue|green: makes one of the two versions the live one. Nothing changes unless it is well.
set -eu
cd "$(dirname "$0")"
case ${1:-} in blue | green) ;; *) echo "usage: $0 blue|green" >&2; exit 2 ;; esac
socket=${CONTROL:-rpx.sock}

rpx-check wait --socket "$socket" --upstream "$1" --for healthy --timeout "${PATIENCE:-30s}"
cp live.toml live.toml.before
printf '[[route]]\nname     = "live"\nupstream = "%s"\n' "$1" > live.toml.new
mv live.toml.new live.toml
if ! rpx-serve reload --socket "$socket"; then
  mv live.toml.before live.toml
  exit 1
fi
rm live.toml.before
echo "$1 is live"
