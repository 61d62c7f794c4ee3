"""The application in this process, on real servers, without a worker."""

from collections.abc import AsyncIterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from processing.settings import Settings
from quart_app.app import create_app


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Quart]:
    created = create_app(settings)
    async with created.test_app():
        yield created


@pytest.fixture
def client(app: Quart) -> Client:
    return app.test_client()
