#!/bin/sh
# Puts the images in /preload into containerd's store, inside a container of the node image that is then committed.
set -e
containerd --log-level=error &
containerd=$!
until ctr version > /dev/null 2>&1; do
    kill -0 "$containerd"
    sleep 0.1
done
ctr --namespace=k8s.io images import --no-unpack /preload/images.tar
kill "$containerd"
wait "$containerd"
