#!/bin/sh
# Turns lists from the environment into nginx directives, which envsubst cannot do, then runs its arguments.
#   WEB_SERVERS, WS_SERVERS  host:port, separated by spaces; a host name is looked up again while nginx runs
#   TRUSTED_PROXIES          addresses or CIDR blocks whose X-Forwarded-For and -Proto are believed
#   NGINX_RESOLVER           name servers; those of /etc/resolv.conf where unset
set -eu

servers() {
  for server in $1; do
    case ${server%:*} in
      *[!0-9.]*) printf 'server %s resolve max_fails=1 fail_timeout=2s; ' "$server" ;;
      *) printf 'server %s max_fails=1 fail_timeout=2s; ' "$server" ;;
    esac
  done
}

each() { # FORMAT LIST
  for item in $2; do
    # shellcheck disable=SC2059  the format is ours
    printf "$1" "$item"
  done
}

nameservers=${NGINX_RESOLVER:-$(awk '$1 == "nameserver" { print ($2 ~ /:/) ? "[" $2 "]" : $2 }' /etc/resolv.conf)}
NGINX_RESOLVER_DIRECTIVE=${nameservers:+resolver $(echo $nameservers) valid=2s;}
NGINX_WEB_SERVERS=$(servers "$WEB_SERVERS")
NGINX_WS_SERVERS=$(servers "$WS_SERVERS")
NGINX_REAL_IP_FROM=$(each 'set_real_ip_from %s; ' "${TRUSTED_PROXIES:-}")
NGINX_TRUSTED_PROXIES=$(each '%s 1; ' "${TRUSTED_PROXIES:-}")
export NGINX_RESOLVER_DIRECTIVE NGINX_WEB_SERVERS NGINX_WS_SERVERS NGINX_REAL_IP_FROM NGINX_TRUSTED_PROXIES

exec "$@"
