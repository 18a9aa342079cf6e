"""The running thing: processes, command line and wiring. The top layer."""
