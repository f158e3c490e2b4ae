# The embedded sandbox in a container: docs/how-to/sandbox-server.md says how to use it, docs/compose.yaml beside other services.
FROM python:3.13-slim AS build
COPY . /source
RUN python -m pip wheel --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir "$(ls /wheels/*.whl)[server]"
RUN useradd --uid 10001 --no-create-home sandbox && install -d -o sandbox -g sandbox /data
USER sandbox
WORKDIR /data
VOLUME /data
EXPOSE 8080
# 400 is what a server with --tls says to plain http
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=3); c.request('GET', '/_sandbox/'); sys.exit(c.getresponse().status not in (200, 400))"]
ENTRYPOINT ["adyen-creds", "sandbox", "serve", "--host", "0.0.0.0", "--port", "8080"]
