"""Events come in by WebSocket."""
