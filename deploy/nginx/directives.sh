#!/bin/sh
# Validates settings of the environment, derives nginx directives from them for envsubst, then executes its arguments.
#   WEB_SERVERS, WS_SERVERS  host:port, separated by spaces; nginx resolves host names again while it runs.
#                            In Kubernetes a name without a dot is a Service of the pod's own namespace
#   TRUSTED_PROXIES          addresses or CIDR blocks, separated by commas, of proxies whose X-Forwarded-For, -Proto and
#                            -Host nginx trusts
#   NGINX_LISTEN             address:port, or a port: on all addresses, also IPv6 if the kernel supports it
#   NGINX_HEALTH_LISTEN      the same, for probes
#   PROXY_PROTOCOL           true: NGINX_LISTEN and TLS_LISTEN expect the PROXY protocol, NGINX_HEALTH_LISTEN does not
#   NGINX_RESOLVER           name servers; default: those of RESOLV_CONF (/etc/resolv.conf)
#   TLS_CERTIFICATE, TLS_KEY paths of PEM files: https on TLS_LISTEN, http is redirected to https
#   REFUSALS_SYSLOG          host:port, by UDP, of web.nginx_metrics, which counts the requests that nginx rejects
#   ALLOWED_HOSTS, PATH_PREFIX, HSTS_SECONDS, MAX_BODY_KIB, MAX_HEADER_KIB, CLIENT_TIMEOUT, HANDSHAKE_RATE,
#   MAX_SOCKETS_PER_ADDRESS, MAX_REQUESTS_PER_ADDRESS, MAX_READS_PER_ADDRESS, REQUEST_RATE, ACCOUNT_RATE
#                            see .env.example
# -f: the shell must not expand a * in a list to file names.
set -euf

resolv_conf=${RESOLV_CONF:-/etc/resolv.conf}
# nginx ignores the search list of resolv.conf. Its first entry in a pod is the domain of the pod's namespace.
namespace=${KUBERNETES_SERVICE_HOST:+$(awk '$1 == "search" { print "." $2; exit }' "$resolv_conf")}

servers() { # PARAMETERS LIST
  for server in $2; do
    host=${server%:*}
    case $host in '['*) parameters=$1 ;; *[!0-9.]*) parameters="resolve $1" ;; *) parameters=$1 ;; esac
    case $host in '['* | *.*) ;; *) host=$host$namespace ;; esac
    printf 'server %s %s; ' "$host:${server##*:}" "$parameters"
  done
}

each() { # FORMAT LIST
  for item in $2; do
    # shellcheck disable=SC2059 # the format is a literal of this script
    printf "$1" "$item"
  done
}

items() { # LIST, separated by commas, blanks or both
  printf %s "$1" | tr ',\t\n' '   '
}

reject() { # NAME WHAT-WAS-EXPECTED VALUE
  echo "$1: expected $2, not $3." >&2
  exit 1
}

# nginx's own error about an invalid address does not name the setting. IPv4 needs four numbers, IPv6 no brackets.
# shellcheck disable=SC2046,SC2116 # echo joins the items with single spaces
proxies=$(echo $(items "${TRUSTED_PROXIES:-}" | tr -d '[]'))
for proxy in $proxies; do
  printf '%s\n' "$proxy" | awk -F / '
    NF > 2 || (NF == 2 && $2 !~ /^[0-9]+$/) { exit 1 }
    $1 ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/ {
      split($1, bytes, ".")
      for (i in bytes) if (bytes[i] > 255) exit 1
      exit (NF == 2 && $2 > 32)
    }
    $1 ~ /^[0-9A-Fa-f:]+$/ && $1 ~ /:.*:/ {
      if ($1 ~ /:::|::.*::|^:[^:]|[^:]:$/ || (NF == 2 && $2 > 128)) exit 1
      groups = split($1, group, ":")
      for (i in group) if (length(group[i]) > 4) exit 1
      if ($1 ~ /::/) exit (groups > 9)
      exit (groups != 8)
    }
    { exit 1 }' ||
    reject TRUSTED_PROXIES "addresses or CIDR blocks such as 10.0.0.0/8, separated by commas" "$proxy"
done

nameservers=${NGINX_RESOLVER:-$(awk '$1 == "nameserver" { print ($2 ~ /:/) ? "[" $2 "]" : $2 }' "$resolv_conf")}
NGINX_RESOLVER_DIRECTIVE=${nameservers:+resolver $(echo $nameservers) valid=2s;}
NGINX_WEB_SERVERS=$(servers 'max_fails=1 fail_timeout=2s' "$WEB_SERVERS")
# Without max_fails=0, a failed server gets one request per fail_timeout until one succeeds, and a WebSocket counts as a
# success only when it is closed. After a restart of three ws processes in turn, 72 clients needed 70 s to reconnect.
NGINX_WS_SERVERS=$(servers 'max_fails=0' "$WS_SERVERS")
NGINX_REAL_IP_FROM=$(each 'set_real_ip_from %s; ' "$proxies")
NGINX_TRUSTED_PROXIES=$(each '%s 1; ' "$proxies")

# Without IPv6 in the kernel this file does not exist, and nginx would fail to listen on [::].
ipv6_addresses=${IF_INET6:-/proc/net/if_inet6}

listen() { # ADDRESS PARAMETERS
  printf 'listen %s%s; ' "$1" "$2"
  case $1 in *[!0-9]*) ;; *) [ ! -e "$ipv6_addresses" ] || printf 'listen [::]:%s%s; ' "$1" "$2" ;; esac
}

NGINX_HEALTH_SERVER=''
[ -z "${NGINX_HEALTH_LISTEN:-}" ] || NGINX_HEALTH_SERVER="server {
  $(listen "$NGINX_HEALTH_LISTEN" '')
  access_log off;
  location = /healthz { return 200 \"ok\\n\"; }
  location / { return 404; }
}"
NGINX_REAL_IP_HEADER=X-Forwarded-For proxy_protocol=''
case ${PROXY_PROTOCOL:-false} in
  false) ;;
  true)
    [ -n "$proxies" ] || {
      echo "PROXY_PROTOCOL: expected TRUSTED_PROXIES too, the addresses from which the load balancer connects." >&2
      exit 1
    }
    proxy_protocol=' proxy_protocol' NGINX_REAL_IP_HEADER=proxy_protocol
    # The load balancer forwards X-Forwarded headers that clients have sent, so they are not trusted.
    NGINX_TRUSTED_PROXIES=''
    ;;
  *) reject PROXY_PROTOCOL "true or false" "$PROXY_PROTOCOL" ;;
esac
NGINX_LISTEN_DIRECTIVES=$(listen "$NGINX_LISTEN" "$proxy_protocol")
NGINX_LISTEN_DEFAULT_DIRECTIVES=$(listen "$NGINX_LISTEN" "$proxy_protocol default_server")
NGINX_TLS='' NGINX_TLS_REDIRECT=''
if [ -n "${TLS_CERTIFICATE:-}" ]; then
  [ -n "${TLS_KEY:-}" ] || reject TLS_KEY "the path of the key of TLS_CERTIFICATE" "an empty value"
  NGINX_TLS="http2 on; ssl_certificate $TLS_CERTIFICATE; ssl_certificate_key $TLS_KEY;"
  NGINX_LISTEN_DIRECTIVES="$NGINX_LISTEN_DIRECTIVES$(listen "${TLS_LISTEN:-8443}" " ssl$proxy_protocol")"
  NGINX_LISTEN_DEFAULT_DIRECTIVES="$NGINX_LISTEN_DEFAULT_DIRECTIVES$(
    listen "${TLS_LISTEN:-8443}" " ssl$proxy_protocol default_server")"
  # shellcheck disable=SC2016 # variables of nginx
  NGINX_TLS_REDIRECT='if ($client_scheme = http) { return 308 https://$host$request_uri; }'
fi

number() { # NAME DEFAULT [LEAST [MOST]]
  eval "number=\${$1:-$2}"
  # In shell arithmetic, 010 is 8.
  case $number in 0*[0-9]) number=$(printf %s "$number" | sed 's/^0*\([0-9]\)/\1/') ;; esac
  case $number in
    *[!0-9]* | ??????????*) ;;
    *) [ "$number" -lt "${3:-0}" ] || [ "$number" -gt "${4:-999999999}" ] || { echo "$number"; return; } ;;
  esac
  if [ -n "${4:-}" ]; then range="to $4"; else range=on; fi
  echo "$1: expected a whole number from ${3:-0} $range, not $number." >&2
  exit 1
}

refusals=${REFUSALS_SYSLOG:-}
if [ -n "$refusals" ]; then
  printf '%s\n' "$refusals" | grep -Eqx '[A-Za-z0-9._-]+:[0-9]{1,5}' && [ "${refusals##*:}" -gt 0 ] &&
    [ "${refusals##*:}" -lt 65536 ] || reject REFUSALS_SYSLOG host:port "$refusals"
fi
# shellcheck disable=SC2016 # a variable of nginx
NGINX_REFUSALS_LOG=${refusals:+access_log syslog:server=$refusals,nohostname refusals if='$exceeded_limit;'}

NGINX_MAX_BODY_KIB=$(number MAX_BODY_KIB 64)
# Larger request bodies are buffered in files in NGINX_TEMP.
NGINX_BODY_BUFFER_KIB=$((NGINX_MAX_BODY_KIB < 1 ? 1 : NGINX_MAX_BODY_KIB > 1024 ? 1024 : NGINX_MAX_BODY_KIB))
NGINX_PROXY_BUFFERS=$((16 + NGINX_BODY_BUFFER_KIB * 6 / 16))
NGINX_MAX_HEADER_KIB=$(number MAX_HEADER_KIB 8 4 64)
NGINX_CLIENT_TIMEOUT=$(number CLIENT_TIMEOUT 10 1)
hsts_seconds=$(number HSTS_SECONDS 3600)
NGINX_TRANSPORT_SECURITY=''
[ "$hsts_seconds" -eq 0 ] || NGINX_TRANSPORT_SECURITY="max-age=$hsts_seconds"

# As in Django: a leading dot includes subdomains, * matches any host. channels_live.conf.hosts accepts the same.
# shellcheck disable=SC2046,SC2116 # echo joins the items with single spaces
hosts=$(echo $(items "${ALLOWED_HOSTS:-}"))
[ -n "$hosts" ] || hosts='localhost 127.0.0.1 [::1]'
for host in $hosts; do
  printf '%s\n' "$host" | grep -Eqx '\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]' ||
    reject ALLOWED_HOSTS "host names without scheme and port, such as chat.example.com, .example.com or *, separated by commas" "$host"
done
NGINX_SERVER_NAMES=$hosts
case " $hosts " in *' * '*) NGINX_SERVER_NAMES='~.' ;; esac

# channels_live.conf.path_prefix accepts the same.
PATH_PREFIX=${PATH_PREFIX:-}
PATH_PREFIX=${PATH_PREFIX%/}
printf '%s\n' "$PATH_PREFIX" | grep -Eqx '(/[A-Za-z0-9._~-]+)*' ||
  reject PATH_PREFIX "a path such as /team, of letters, digits and ._~-" "$PATH_PREFIX"
NGINX_PREFIX_PATTERN=$(printf %s "$PATH_PREFIX" | sed 's/[.]/[.]/g')
# The entry point of the image substitutes only variables whose names begin with NGINX_.
NGINX_PREFIX=$PATH_PREFIX NGINX_PATH_PREFIX=''
if [ -n "$PATH_PREFIX" ]; then
  NGINX_PATH_PREFIX="rewrite ^$NGINX_PREFIX_PATTERN(?!/errors/[0-9])(/.*)\$ \$1;
        location = $PATH_PREFIX { absolute_redirect off; return 308 $PATH_PREFIX/; }"
fi

limit_rate() { # ZONE RATE
  # The burst is ten seconds' worth, because all clients behind one address reconnect together after a restart.
  [ "$2" -eq 0 ] || echo "limit_req zone=$1 burst=$(($2 * 10)) nodelay;"
}

limit_connections() { # ZONE LARGEST
  [ "$2" -eq 0 ] || echo "limit_conn $1 $2;"
}

# 65535 is the largest value of nginx's limit_conn.
most_sockets=$(number MAX_SOCKETS_PER_ADDRESS 1000 0 65535)
most_requests=$(number MAX_REQUESTS_PER_ADDRESS 200 0 65535)
# Assigned first: within the arguments of another command, the exit status of number() would be lost.
most_reads=$(number MAX_READS_PER_ADDRESS 20 0 65535)
NGINX_HANDSHAKE_RATE=$(number HANDSHAKE_RATE 100)
NGINX_REQUEST_RATE=$(number REQUEST_RATE 100)
NGINX_ACCOUNT_RATE=$(number ACCOUNT_RATE 5)
NGINX_SOCKET_LIMITS="$(limit_connections open_sockets "$most_sockets") $(limit_rate handshakes "$NGINX_HANDSHAKE_RATE")"
NGINX_FILE_RATE=$((NGINX_REQUEST_RATE > 100000000 ? NGINX_REQUEST_RATE : NGINX_REQUEST_RATE * 5))
NGINX_FILE_LIMITS="$(limit_connections open_files "$most_sockets") $(limit_rate files "$NGINX_FILE_RATE")"
NGINX_REQUEST_LIMITS="$(limit_connections open_reads "$most_reads")"
NGINX_REQUEST_LIMITS="$NGINX_REQUEST_LIMITS $(limit_connections open_requests "$most_requests") $(limit_rate requests "$NGINX_REQUEST_RATE")"
NGINX_REQUEST_LIMITS="$NGINX_REQUEST_LIMITS $(limit_rate accounts "$NGINX_ACCOUNT_RATE")"
# An unused zone needs a valid rate too.
NGINX_HANDSHAKE_RATE=$((NGINX_HANDSHAKE_RATE ? NGINX_HANDSHAKE_RATE : 1))
NGINX_FILE_RATE=$((NGINX_FILE_RATE ? NGINX_FILE_RATE : 1))
NGINX_REQUEST_RATE=$((NGINX_REQUEST_RATE ? NGINX_REQUEST_RATE : 1))
NGINX_ACCOUNT_RATE=$((NGINX_ACCOUNT_RATE ? NGINX_ACCOUNT_RATE : 1))

# Well-formed UTF-8 (Unicode, table 3-7) from U+0020 on, without characters that affect the text around them. No two
# branches match the same byte first, so that matching takes linear time.
NGINX_PRINTABLE='\xc2[\xa0-\xac\xae-\xbf]|[\xc3-\xd7\xd9-\xdb][\x80-\xbf]|\xd8[\x86-\x9b\x9d-\xbf]'
NGINX_PRINTABLE="$NGINX_PRINTABLE"'|\xe0[\xa4-\xbf][\x80-\xbf]|\xe1(?:[\x80-\x84\x86-\x9f\xa1-\xbf][\x80-\xbf]|\x85[\x80-\x9e\xa1-\xbf]|\xa0[\x80-\x8a\x90-\xbf])'
NGINX_PRINTABLE="$NGINX_PRINTABLE"'|\xe2(?:\x80[\x90-\xa7\xb0-\xbf]|\x81[\x80-\x9f\xb0-\xbf]|[\x82-\xbf][\x80-\xbf])'
NGINX_PRINTABLE="$NGINX_PRINTABLE"'|[\xe3-\xec][\x80-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|\xef[\xa4-\xba\xbc-\xbe][\x80-\xbf]'
NGINX_PRINTABLE="$NGINX_PRINTABLE"'|\xf0(?:\x9f|[\xa0-\xb3])[\x80-\xbf][\x80-\xbf]'
NGINX_PRINTABLE="~^[ -~]*(?:(?:$NGINX_PRINTABLE)[ -~]*)*"'\z'

export NGINX_PREFIX NGINX_PRINTABLE NGINX_PATH_PREFIX NGINX_PREFIX_PATTERN
export NGINX_RESOLVER_DIRECTIVE NGINX_WEB_SERVERS NGINX_WS_SERVERS NGINX_REAL_IP_FROM NGINX_TRUSTED_PROXIES
export NGINX_TLS NGINX_TLS_REDIRECT NGINX_TRANSPORT_SECURITY NGINX_LISTEN_DIRECTIVES NGINX_LISTEN_DEFAULT_DIRECTIVES
export NGINX_REAL_IP_HEADER NGINX_HEALTH_SERVER NGINX_MAX_HEADER_KIB NGINX_BODY_BUFFER_KIB NGINX_PROXY_BUFFERS NGINX_FILE_LIMITS NGINX_FILE_RATE
export NGINX_REFUSALS_LOG NGINX_SERVER_NAMES NGINX_MAX_BODY_KIB NGINX_CLIENT_TIMEOUT NGINX_SOCKET_LIMITS NGINX_REQUEST_LIMITS
export NGINX_HANDSHAKE_RATE NGINX_REQUEST_RATE NGINX_ACCOUNT_RATE

exec "$@"
