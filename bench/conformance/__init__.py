"""The conformance suite: what everything registered must do, run over what is built in and over a user's plug-ins."""
