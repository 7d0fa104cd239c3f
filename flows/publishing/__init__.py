"""Finished datasets leave the workspace: as a folder, or as one commit on the Hub."""
