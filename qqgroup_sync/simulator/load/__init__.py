"""Heavy traffic for a bot, and what became of it: an open loop of messages and its referee."""
