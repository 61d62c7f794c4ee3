"""What the tests of files as people send them share."""

from tests.unit.conftest import run as run
