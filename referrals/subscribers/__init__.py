"""Subscribers: addresses that are told over HTTP what happens in the programme, and how each telling fares."""
