"""A scene without the application, and the command line."""
