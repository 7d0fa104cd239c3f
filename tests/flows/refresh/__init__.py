"""Refresh: plan, run what is needed, check, publish, report; replay, explain, approve."""
