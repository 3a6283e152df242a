# The image of ranklossd: built from source in one stage, run in another that holds the daemon and
# its run-time libraries only. deploy/README.md says how to build, pin and run it.
#
# The tag is a dated one, which Debian does not move. To pin the bytes too, pass the digest:
#   docker build --build-arg BASE=debian:bookworm-20250520-slim@sha256:<digest> .
ARG BASE=debian:bookworm-20250520-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev make \
        libmicrohttpd-dev libjansson-dev libgnutls28-dev libdeflate-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The checkout's .git is not sent to the builder, so the revision comes in as an argument.
ARG REVISION=unknown
RUN make -j2 BUILD=/out REVISION="${REVISION}" && strip --strip-unneeded /out/ranklossd

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        libmicrohttpd12 libjansson4 libgomp1 libgnutls30 libdeflate0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY --from=build /out/ranklossd /usr/bin/ranklossd
COPY LICENSE /usr/share/doc/ranklossd/copyright

ENV RANKLOSSD_LISTEN=0.0.0.0:8080 \
    RANKLOSSD_LOG_FORMAT=json

# A number, so that Kubernetes can see that it is not root. Nothing is written at run time: the
# root file system may be read-only.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/usr/bin/ranklossd", "--probe"]
ENTRYPOINT ["/usr/bin/ranklossd"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="ranklossd" \
      org.opencontainers.image.description="Ranking losses over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
