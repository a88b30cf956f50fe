#!/usr/bin/python3
"""Calls double() over XML-RPC. Needs nothing but Python.

usage: double_xmlrpc.py [NUMBER [URL]]
"""
import sys
import xmlrpc.client

num = int(sys.argv[1]) if len(sys.argv) > 1 else 7
url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:6789"

with xmlrpc.client.ServerProxy(url) as proxy:
    print(f"Double {num} is {proxy.double(num)}")
