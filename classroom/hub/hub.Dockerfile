# The image of everything in the namespace `workbook-class`: the packages, and their settings. No step needs a network.
ARG PACKAGES
FROM ${PACKAGES}
COPY classroom/hub/jupyterhub_config.py classroom/hub/start_desks.py classroom/hub/nginx.conf classroom/hub/docker-registry.yaml /etc/workbook/
WORKDIR /srv
ENTRYPOINT ["tini", "--"]
