"""What a client offers in a notebook: a live log, an inbox, displays, a platform of its own."""
