"""A process that ends at once, however often it is started; it leaves one mark per start in its state folder."""

import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    with Path(os.environ["PAIDAN_STATE_DIR"], "starts").open("a") as marks:
        marks.write(f"{time.monotonic()}\n")
    sys.exit(1)
