"""The errors a user can cause and mend: scripts print them as one line and end with status 2."""


class InputError(ValueError):
    """An input is wrong or missing; the message names the culprit and the remedy."""


class ConfigError(InputError):
    """The configuration is wrong; the message names the key or file and the remedy."""
