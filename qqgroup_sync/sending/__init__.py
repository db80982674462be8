"""How an answer leaves."""
