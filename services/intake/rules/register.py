"""What the city has registered, in the form in which the front door asks for it."""

import re

from schemas.city import City, Device, ScreenRule


class Register:
    """Look-ups made once from a city pack: bounds, class keys, 110 classes, devices with their screens, phones."""

    def __init__(self, city: City) -> None:
        self.bounds = city.bounds
        self.classes = frozenset(item.key for item in city.classes)
        self.police = frozenset(item.code for item in city.police_classes)
        self.phone = re.compile(city.phone_pattern).fullmatch
        screens = {screen.kind: screen for screen in city.screens}
        self.devices: dict[str, tuple[Device, ScreenRule | None]] = {
            device.device_id: (device, screens.get(device.kind)) for device in city.devices
        }

    def within(self, lon: float, lat: float) -> bool:
        """Whether a WGS-84 point (decimal degrees) lies inside the city's bounds; False for NaN."""
        west, south, east, north = self.bounds
        return west <= lon <= east and south <= lat <= north
