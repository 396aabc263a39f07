"""The HTML page: a report in a single file that opens offline. Needs the extra ``html``."""
