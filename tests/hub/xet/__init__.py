"""The store that Xet clients send chunks of large files to."""
