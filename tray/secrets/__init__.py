"""Where bots' tokens are kept: the system's keychain, or a file under a passphrase; see store.py."""
