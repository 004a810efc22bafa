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


def is_wait(error: BaseException) -> bool:
    """True when the failure is a dependency's: the same work will succeed once it is back."""
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.TransactionTimeoutError):
        return False
    return isinstance(error, _WAITS)
