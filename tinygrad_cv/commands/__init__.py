"""The command line, one command a file. Each has ``add_arguments(parser)`` and ``run(arguments) -> exit code``."""
