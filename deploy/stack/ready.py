"""Whether something answers on a port of this machine. `python -m deploy.stack.ready` asks the api of a container."""

import http.client
import os
import sys

__all__ = ["answers", "answers_ready"]

_HOST = "127.0.0.1"


def answers(port: int) -> bool:
    """Whether a connection is accepted."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=1)
    try:
        connection.connect()
        return True
    except OSError:
        return False
    finally:
        connection.close()


def answers_ready(port: int) -> bool:
    """Whether GET /readyz is answered with 200."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers_ready(int(os.environ["PAIDAN_HTTP_PORT"])) else 1)
