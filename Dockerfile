# The image is used like the reference's: the same user, port, working folder and entry point.
#
#   docker build -t sluice . && docker run --rm -p 9091:9091 sluice
#
# The default seccomp profile of Docker refuses io_uring; the gateway then says so in one log line and uses epoll.
FROM debian:13-slim AS build
WORKDIR /src
# First only what setup reads, so that a change of the sources does not install the packages again.
COPY tools/setup tools/setup
COPY tools/lib tools/lib
RUN tools/setup build
COPY . .
RUN tools/build
# The binary and the libraries that it names, so that the second stage needs no package and no network. libc and the
# loader come with that stage's own Debian of the same release.
RUN mkdir -p /out/bin /out/lib && install --strip build/release/sluice /out/bin/sluice && \
    ln -s sluice /out/bin/pushgateway && \
    ldd build/release/sluice | awk '$3 ~ /^\// && $1 !~ /^lib(c|m|pthread|dl|rt)\.so/ { print $3 }' | \
    xargs install --mode=0644 --target-directory=/out/lib

FROM debian:13-slim
COPY --from=build /out/lib/ /usr/local/lib/
COPY --from=build /out/bin/ /usr/bin/
RUN ldconfig && mkdir -p /pushgateway && chown 65534:65534 /pushgateway
USER 65534:65534
WORKDIR /pushgateway
EXPOSE 9091
ENTRYPOINT ["/bin/pushgateway"]
