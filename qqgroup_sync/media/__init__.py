"""How bytes reach QQ."""
