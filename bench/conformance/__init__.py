"""The conformance suite: what every fusion must do, run over the built-in zoo and over a user's plug-ins."""
