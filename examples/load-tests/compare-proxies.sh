#!/bin/sh
# Which of two proxies in front of the same server is faster, and is that sure?
#
#     compare-proxies.sh URL-OF-ONE URL-OF-THE-OTHER
#
# Exit status 1 when the other one is slower.
set -eu
exec rpx-bench -o table -c "${CONNECTIONS:-64}" -d "${DURATION:-40s}" --compare "$2" "$1"
