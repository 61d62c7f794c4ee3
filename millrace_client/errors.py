"""What can go wrong for a client, each with the exit status that a script sees.

ClientError            1  the server refused, or a file did not end as Ok
├── Unreachable        3  the server does not answer
└── Missing            4  there is no such file, upload or artifact
"""


class ClientError(Exception):
    """The server refused, or a file did not end as Ok."""

    status = 1


class Unreachable(ClientError):
    """The server does not answer."""

    status = 3


class Missing(ClientError):
    """There is no such file, upload or artifact."""

    status = 4
