"""A history of realistic shape, written straight into the store's tables by COPY, and questions about it, through the hub and bare.

Reports of 1 to 100 items by 40 publishers over a year, in bursts; values are shared between publishers with a heavy tail (a few are
reported by everybody, half of them once). Bare questions are prepared SQL over one connection, with the ideal index; the hub's go through CURVE, one
outstanding, by a DEALER. Rounds alternate. Only what needs no signature can be asked of such a store: LOOKUP, STATISTICS, RELATED; entries
of QUERY are real reports (`--pages` makes their headers and payloads), for the client does not verify here, but the hub opens them.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
