# The image of ranklossd: the daemon, the libraries it loads, and nothing else. It is built on the
# machine's own architecture and cross-compiled for the other one, so building it needs no emulator.
# deploy/README.md says how to build, pin and run it.
#
# The tag is a dated one, which Debian does not move. To pin the bytes too, pass the digest:
#   docker build --build-arg BASE=debian:bookworm-20250520-slim@sha256:<digest> .
ARG BASE=debian:bookworm-20250520-slim
ARG BUILDPLATFORM

FROM --platform=$BUILDPLATFORM ${BASE} AS build
WORKDIR /src
COPY deploy/package deploy/package
ARG TARGETARCH
RUN deploy/package/image-packages "${TARGETARCH}"
COPY . .
# The checkout's .git is not sent to the builder, so the revision and its date come as arguments.
ARG REVISION=unknown
ARG SOURCE_DATE_EPOCH=0
RUN triplet=$(deploy/package/image-packages --triplet "${TARGETARCH}") \
 && make -j2 BUILD=/out CC="${triplet}-gcc" REVISION="${REVISION}" \
 && "${triplet}-strip" --strip-unneeded /out/ranklossd \
 && deploy/package/image-root /out/ranklossd /image

FROM scratch
COPY --from=build /image /

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
