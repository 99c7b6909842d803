"""Every text input of the outside collections, pushed to the real server: status, body and scrape as the reference's.

Without the outside collections the committed sample of them runs (tests/e2e/data/push_results.json).
"""

import base64
import json
import os

from gateway import SOURCE, Checks, Gateway, arguments, pushed_lines, shared_cases, sort_groups, squeeze
from http_cases_text import same_text

INPUT_FILES = ("expfmt_text_parse", "expfmt_edge_oracle", "expfmt_fuzz_corpus", "openmetrics_testdata",
               "prom_textparse", "client_python_parsers")

# Ids whose outcome here differs, with the reason.
DIFFERENT = {}
