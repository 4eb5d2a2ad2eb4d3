#!/bin/sh
# start.sh redis | sentinel. The primary is the one that the Sentinels name, or the first pod if none answers.
set -eu
me=$HOSTNAME.redis-nodes
primary=$(timeout 3 valkey-cli -h redis-sentinel -p 26379 --raw sentinel get-master-addr-by-name primary 2>/dev/null | head -n 1) || true
case $primary in
  *.redis-nodes) ;;
  *) primary=redis-sentinel-0.redis-nodes ;;
esac

case $1 in
  redis)
    set -- --save '' --appendonly no --protected-mode no --dir /tmp --replica-announce-ip "$me"
    [ "$primary" = "$me" ] || set -- "$@" --replicaof "$primary" 6379
    exec valkey-server "$@"
    ;;
  sentinel)
    # Sentinel does not start with a host name that does not resolve yet.
    until timeout 3 valkey-cli -h "$primary" ping >/dev/null 2>&1; do sleep 1; done
    # Host names, because a pod keeps its name but not its address. Sentinel rewrites its configuration file.
    cat >/tmp/sentinel.conf <<EOF
port 26379
dir /tmp
protected-mode no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $me
sentinel monitor primary $primary 6379 2
sentinel down-after-milliseconds primary 3000
sentinel failover-timeout primary 10000
EOF
    exec valkey-server /tmp/sentinel.conf --sentinel
    ;;
esac
