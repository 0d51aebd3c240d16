"""The command line: argv in; exit status and terminal text out."""
