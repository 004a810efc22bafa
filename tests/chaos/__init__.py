"""`make chaos`: kill, freeze and feed rubbish to a running city, then ask whether every promise was kept."""
