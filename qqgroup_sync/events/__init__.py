"""What came in: events as typed objects, and how a payload becomes one."""
