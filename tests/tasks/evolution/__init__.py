"""Texts made harder or better, round by round."""
