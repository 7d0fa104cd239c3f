"""Tests of the completion store and its ledger."""
