# The image of a learner's desk: the packages, and the repository, which is the build context. No step needs a network.
ARG PACKAGES
FROM ${PACKAGES}
COPY classroom/hub/containers /etc/containers
COPY classroom/hub/crun /usr/bin/crun
COPY classroom/hub/docker /usr/local/bin/docker
COPY . /opt/workbook
WORKDIR /opt/workbook
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "workbook.classroom.hub.desk"]
