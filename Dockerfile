# Debian's own python3 (/usr/bin) and the public image's (/usr/local/bin) both work as the base:
# the virtual environment is made and used on top of the same one.
# The tag says what it is, the digest which one it is (docs/deployment.md says how to renew it).
ARG BASE_IMAGE=python:3.14.8-slim-bookworm@sha256:c8137f4c460908c8763f281c8f22c431eb5c538514ba9553fc3a89c06b7cfb88

FROM ${BASE_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/objgw/venv
COPY requirements/base.txt requirements/production.txt /build/requirements/
# Compiled without looking at source times later: the image never changes, so nothing can go stale.
RUN /opt/objgw/venv/bin/pip install --no-compile --require-hashes -r /build/requirements/production.txt \
 && /opt/objgw/venv/bin/pip uninstall --yes --quiet setuptools pip \
 && /opt/objgw/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      /opt/objgw/venv/lib
COPY . /opt/objgw/app
RUN /opt/objgw/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/objgw/app


FROM ${BASE_IMAGE}
RUN groupadd --gid 10001 objgw \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin objgw
COPY --from=builder /opt/objgw/venv /opt/objgw/venv
COPY --from=builder /opt/objgw/app /opt/objgw/app
WORKDIR /opt/objgw/app
ENV PATH=/opt/objgw/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-I", "deploy/healthcheck.py"]
# No USER: the entrypoint needs root for a moment, to learn the group of the Docker socket, and
# hands over to the user objgw. `docker run --user 10001` works too (docs/deployment.md).
ENTRYPOINT ["python", "-I", "deploy/entrypoint.py"]
CMD ["gunicorn", "-c", "python:objgw_site.server.config", "objgw_site.wsgi"]

# Last, so that another version or revision rebuilds nothing else.
ARG VERSION=dev
ARG REVISION=unknown
# By objgw.role a gateway knows the containers of gateways, which are no nodes whatever their name.
LABEL objgw.role="gateway" \
      org.opencontainers.image.title="objgw" \
      org.opencontainers.image.description="A stateless HTTP gateway in front of self-contained S3 nodes" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
