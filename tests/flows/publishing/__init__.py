"""Tests of the ways out: folder, URL and Hub, and the card."""
