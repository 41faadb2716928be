"""What tests share. One that hangs says where, a while before ctest ends it."""

import faulthandler
import os

if os.environ.get("RPX_TEST_SECONDS"):
    faulthandler.dump_traceback_later(float(os.environ["RPX_TEST_SECONDS"]))
