FROM python:3.12-slim-bookworm AS base
ENV UV_PROJECT_ENVIRONMENT=/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /app

FROM base AS build
RUN pip install --no-cache-dir --quiet uv
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-cache --quiet --no-default-groups --no-install-project
COPY . .
RUN uv sync --locked --no-cache --quiet --no-default-groups

# Development containers mount the source over /app and restart when it changes.
FROM build AS development
RUN uv sync --locked --no-cache --quiet
RUN useradd --uid 10001 --no-create-home millrace && install -d -o millrace -g millrace media
USER millrace

FROM base AS production
RUN useradd --uid 10001 --no-create-home millrace
COPY --from=build /venv /venv
COPY --from=build /app /app
RUN install -d -o millrace -g millrace media
USER millrace
EXPOSE 8000
CMD ["python", "-m", "quart_app"]
