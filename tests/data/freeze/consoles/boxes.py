from rich.console import Console
from rich.panel import Panel

Console(width=40, force_terminal=False, legacy_windows=False).print(Panel("日本 :heart:"))
