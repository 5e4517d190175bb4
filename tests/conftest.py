"""What holds for all tests."""

import os

os.environ.setdefault("TGCV_VERIFY", "1")  # the compiler verifies each of its stages
