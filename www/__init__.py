"""The web plugin: endpoints for pages, scripts and the command line, and the pages."""
