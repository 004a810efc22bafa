"""The trained classifier of a pack: is its file whole, of this release, and made for these classes?"""

from schemas.model import read_model
from services.chassis.city.shapes import Draft

MODEL = "model.bin"


def model_of(draft: Draft) -> bytes:
    """The bytes of the pack's model file; empty if it has none. One that cannot be used is a fault with its cause."""
    path = draft.directory / MODEL
    if not path.is_file():
        return b""
    try:
        raw = path.read_bytes()
        card = read_model(raw).card
    except (OSError, ValueError) as error:
        draft.faults.add(MODEL, 1, f"the model file {error}")
        return b""
    known = draft.class_keys()
    if gone := [key for key in card.classes if key not in known]:
        named = ", ".join(gone[:3])
        draft.faults.add(MODEL, 1, f"the model tells classes that classes.csv lacks ({named}): train it again")
    return raw
