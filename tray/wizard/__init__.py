"""The set-up: from nothing to bots that sit in the right channels and may do there what they must."""
