"""Which failures are a dependency's (wait, for ever), and which are ours (bisect, then dead letter).

Exception
├── Refused, Unreadable (schemas)   the message's own fault: dead at once, never counts towards a stop
├── waits: connection lost, server starting or stopping, disk full, deadlock, Kafka away
└── anything else                   ours: the batch is bisected until the one bad message stands alone
"""

import asyncpg
from aiokafka.errors import KafkaError

_WAITS = (
    ConnectionError,
    TimeoutError,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that a crash left between two states; the pool gives another
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidPasswordError,
    KafkaError,
)


# A value that no column can hold, or a time beyond the calendar: well formed, and nobody can mean it.
_CANNOT_BE_MEANT = (asyncpg.DataError, OverflowError)


def is_the_messages_own(error: BaseException) -> bool:
    """True when the failure lies in what a message says, so that no number of them may stop a consumer."""
    return isinstance(error, _CANNOT_BE_MEANT)


def is_wait(error: BaseException) -> bool:
    """True when the failure is a dependency's: the same work will succeed once it is back."""
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.TransactionTimeoutError):
        return False
    return isinstance(error, _WAITS)
