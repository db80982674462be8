"""What a stranger, or bad luck, does to a bot; ``docs/reliability.md`` lists it all."""
