"""Guest inside the application's own Python: the standard library and cx_Freeze only."""
