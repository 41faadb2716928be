#!/bin/sh
# A load test for CI: the proxy with a configuration, in front of an origin that answers at once, held to limits.
#
#     smoke.sh CONFIGURATION [FOLDER]
#
# CONFIGURATION is a file for rpx-serve whose upstream is ${ORIGIN}; results go to FOLDER (the current one without it).
# DURATION, RATE and LIMIT (of p99) may come from the environment.
set -eu
config=$1
folder=${2:-.}

pipe=$(mktemp -u)
mkfifo "$pipe"
rpx-bench origin > "$pipe" &
origin=$!
trap 'kill $origin; rm -f "$pipe"' EXIT
read -r ORIGIN < "$pipe"
export ORIGIN

# $RPX_URL is set by --exec.
# shellcheck disable=SC2016
rpx-serve run -c "$config" --exec sh -c 'exec rpx-bench "$@" "$RPX_URL/"' rpx-bench \
  -d "${DURATION:-20s}" --rate "${RATE:-1000}" --warmup 1s -o table \
  --check status=200 --assert "p99<${LIMIT:-20ms}" --assert 'errors<0.1%' \
  --save "$folder/result.json" --report "$folder/report.html" --junit "$folder/junit.xml"
