"""Talking to language models: client, store of completions, embedded server."""
