#!/bin/sh
# Turns lists from the environment into nginx directives, which envsubst cannot do, then runs its arguments.
#   WEB_SERVERS, WS_SERVERS  host:port, separated by spaces; a host name is looked up again while nginx runs.
#                            In Kubernetes a name without a dot is a Service of the pod's own namespace
#   TRUSTED_PROXIES          addresses or CIDR blocks whose X-Forwarded-For and -Proto are believed
#   NGINX_RESOLVER           name servers; those of RESOLV_CONF (/etc/resolv.conf) where unset
#   TLS_CERTIFICATE, TLS_KEY paths of PEM files: https on TLS_LISTEN, and plain http only leads there
set -eu

resolv_conf=${RESOLV_CONF:-/etc/resolv.conf}
# nginx does not use the search list, whose first entry in a pod is that of its own namespace.
namespace=${KUBERNETES_SERVICE_HOST:+$(awk '$1 == "search" { print "." $2; exit }' "$resolv_conf")}

servers() { # PARAMETERS LIST
  for server in $2; do
    host=${server%:*}
    case $host in *[!0-9.]*) parameters="resolve $1" ;; *) parameters=$1 ;; esac
    case $host in *.*) ;; *) host=$host$namespace ;; esac
    printf 'server %s %s; ' "$host:${server##*:}" "$parameters"
  done
}

each() { # FORMAT LIST
  for item in $2; do
    # shellcheck disable=SC2059 # the format is ours
    printf "$1" "$item"
  done
}

nameservers=${NGINX_RESOLVER:-$(awk '$1 == "nameserver" { print ($2 ~ /:/) ? "[" $2 "]" : $2 }' "$resolv_conf")}
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
