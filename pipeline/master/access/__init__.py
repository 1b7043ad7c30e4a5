"""Access to the web server: authentication and authorization."""
