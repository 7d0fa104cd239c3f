"""Versions leave the workspace for a folder, a URL or the Hub, and come back from there."""
