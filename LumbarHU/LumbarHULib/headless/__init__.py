"""The command line, batches, and a scene without the application."""
