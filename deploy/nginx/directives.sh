#!/bin/sh
# Turns lists from the environment into nginx directives, which envsubst cannot do, then runs its arguments.
#   WEB_SERVERS, WS_SERVERS  host:port, separated by spaces; a host name is looked up again while nginx runs
#   TRUSTED_PROXIES          addresses or CIDR blocks whose X-Forwarded-For and -Proto are believed
#   NGINX_RESOLVER           name servers; those of /etc/resolv.conf where unset
#   TLS_CERTIFICATE, TLS_KEY paths of PEM files: https on TLS_LISTEN, and plain http only leads there
set -eu

servers() { # PARAMETERS LIST
  for server in $2; do
    case ${server%:*} in
      *[!0-9.]*) printf 'server %s resolve %s; ' "$server" "$1" ;;
      *) printf 'server %s %s; ' "$server" "$1" ;;
    esac
  done
}

each() { # FORMAT LIST
  for item in $2; do
    # shellcheck disable=SC2059 # the format is ours
    printf "$1" "$item"
  done
}

nameservers=${NGINX_RESOLVER:-$(awk '$1 == "nameserver" { print ($2 ~ /:/) ? "[" $2 "]" : $2 }' /etc/resolv.conf)}
NGINX_RESOLVER_DIRECTIVE=${nameservers:+resolver $(echo $nameservers) valid=2s;}
NGINX_WEB_SERVERS=$(servers 'max_fails=1 fail_timeout=2s' "$WEB_SERVERS")
# A server that failed gets one request per fail_timeout until one of them has ended well, and a WebSocket ends
# when its client leaves: after each of three processes was restarted, 72 members needed 70 s to come back.
NGINX_WS_SERVERS=$(servers 'max_fails=0' "$WS_SERVERS")
NGINX_REAL_IP_FROM=$(each 'set_real_ip_from %s; ' "${TRUSTED_PROXIES:-}")
NGINX_TRUSTED_PROXIES=$(each '%s 1; ' "${TRUSTED_PROXIES:-}")
NGINX_TLS='' NGINX_TLS_REDIRECT=''
if [ -n "${TLS_CERTIFICATE:-}" ]; then
  NGINX_TLS="listen ${TLS_LISTEN:-8443} ssl; http2 on; ssl_certificate $TLS_CERTIFICATE; ssl_certificate_key $TLS_KEY;"
  # shellcheck disable=SC2016 # nginx's variables
  NGINX_TLS_REDIRECT='if ($client_scheme = http) { return 308 https://$host$request_uri; }'
fi
export NGINX_RESOLVER_DIRECTIVE NGINX_WEB_SERVERS NGINX_WS_SERVERS NGINX_REAL_IP_FROM NGINX_TRUSTED_PROXIES
export NGINX_TLS NGINX_TLS_REDIRECT

exec "$@"
