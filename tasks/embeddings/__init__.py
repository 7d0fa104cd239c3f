"""Texts to vectors, and vectors to their nearest neighbours."""
