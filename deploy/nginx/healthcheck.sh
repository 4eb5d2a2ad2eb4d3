#!/bin/sh
# Checks nginx itself, not web or ws. Alpine's images have busybox's wget, Debian's have bash, neither has curl.
set -eu
port=${NGINX_HEALTH_LISTEN##*:}
# Docker sets the proxy of its client's configuration in every container, and busybox's wget ignores no_proxy.
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
if command -v wget >/dev/null; then
  exec wget -q -O /dev/null "http://127.0.0.1:$port/healthz"
fi
# shellcheck disable=SC2016 # bash expands it
exec bash -c '
  exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /healthz HTTP/1.0\r\n\r\n" >&3 &&
    read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
' "$port"
