"""The report's page as a PDF or a PNG, by a Chromium that is on the machine."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops

from deploy.stack.trouble import Trouble

KINDS = (".html", ".pdf", ".png")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WIDE, _HIGH = 1000, 6000
_EDGE = 24


def write(html: str, place: Path) -> None:
    """Write the page as what its name ends in. Raises Trouble without a Chromium where one is needed."""
    if place.suffix == ".html":
        place.write_text(html, encoding="utf-8")
        return
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise Trouble(
            f"a {place.suffix} needs Chromium, and there is none",
            "apt-get install chromium fonts-wqy-microhei, or write .html and print it in a browser",
        )
    with TemporaryDirectory() as folder:
        page, made = Path(folder) / "report.html", Path(folder) / f"made{place.suffix}"
        page.write_text(html, encoding="utf-8")
        how = (
            (f"--print-to-pdf={made}", "--no-pdf-header-footer")
            if place.suffix == ".pdf"
            else (f"--screenshot={made}", f"--window-size={_WIDE},{_HIGH}", "--hide-scrollbars")
        )
        flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile")
        done = subprocess.run([found, *flags, *how, page.as_uri()], capture_output=True, text=True, timeout=120)
        if done.returncode or not made.exists():
            raise Trouble(f"Chromium made no {place.suffix}: {done.stderr.strip()[-200:]}", "write .html instead")
        if place.suffix == ".png":
            _cropped(made)
        shutil.copyfile(made, place)


def _cropped(place: Path) -> None:
    """Cut off the empty ground below the last line."""
    taken = Image.open(place).convert("RGB")
    box = ImageChops.difference(taken, Image.new("RGB", taken.size, (255, 255, 255))).getbbox()
    if box is not None:
        taken.crop((0, 0, taken.width, min(taken.height, box[3] + _EDGE))).save(place, optimize=True)
