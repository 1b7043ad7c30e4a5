import zoneinfo
from datetime import datetime

zoneinfo.reset_tzpath(to=[])
print(datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).tzname())
