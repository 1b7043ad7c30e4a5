import platformdirs
from packaging.version import Version

assert platformdirs.user_config_dir("x")
print("2 > 1" if Version("2") > Version("1") else "no")
