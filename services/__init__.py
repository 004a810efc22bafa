"""The four services and the chassis they share. Services never import each other; they speak through `schemas`."""
