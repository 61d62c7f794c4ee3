"""The client's errors, each with the exit status that a script sees.

ClientError            1  the server refused, or a file did not end as Ok
├── Unreachable        3  the server is unavailable
└── Missing            4  no such file, upload or artifact
"""


class ClientError(Exception):
    """The server refused, or a file did not end as Ok."""

    status = 1


class Unreachable(ClientError):
    """The server is unavailable."""

    status = 3


class Missing(ClientError):
    """There is no such file, upload or artifact."""

    status = 4
