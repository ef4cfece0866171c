#!/bin/sh
# What a person types to look at a cluster from JupyterLab without the workbook. Needs NAME, KUBECONFIG, PYTHON, SETTINGS.
set -eu
docker info >/dev/null
kind get clusters | grep --quiet --line-regexp "$NAME"
kubectl wait node --all --for=condition=Ready --timeout=60s >/dev/null
token=$("$PYTHON" -c 'import secrets; print(secrets.token_urlsafe(24))')
port=$("$PYTHON" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
root=''
[ "$(id -u)" -ne 0 ] || root=--allow-root
echo "http://127.0.0.1:$port/lab?token=$token"
JUPYTER_TOKEN=$token exec "$PYTHON" -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.port="$port" \
  --ServerApp.port_retries=0 --LabApp.app_settings_dir="$SETTINGS" --log-level=WARN --no-browser $root
