"""Which reasons go with which kind of request."""

from schemas.vocabulary import RequestKind as K
from schemas.vocabulary import RequestReason as R

OWNERSHIP = frozenset({R.NOT_OUR_DUTY, R.NOT_OUR_AREA, R.WRONG_CLASS, R.OWNER_UNCLEAR})
_NOT_YET = frozenset({R.PROCEDURE, R.WEATHER, R.MATERIALS, R.FUNDING, R.POLICY, R.BEYOND_POWER})

REASONS: dict[K, frozenset[R]] = {
    K.RETURN: OWNERSHIP | {R.DUPLICATE, R.NOT_ENOUGH_INFORMATION},
    K.EXTENSION: frozenset({R.COMPLEX, R.PROCEDURE, R.WEATHER, R.MATERIALS, R.NO_ACCESS}),
    K.DEFERRAL: _NOT_YET,
    K.PARKING: _NOT_YET,
    K.CLASS_CORRECTION: frozenset({R.WRONG_CLASS}),
    K.EXPLANATION: frozenset({R.NO_LEGAL_GROUND, R.NOT_TRUE, R.BEYOND_POWER, R.ASKER_WITHDREW}),
}
