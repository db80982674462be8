"""Threads and time; nothing about QQ."""
