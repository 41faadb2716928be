"""What `cmake --install` puts somewhere else works there.

    install.py BUILD_DIR
"""

import glob
import os
import subprocess
import sys
import tempfile


def main(build):
    with tempfile.TemporaryDirectory(prefix="rpx-install-") as prefix:
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True, timeout=120)
        program = os.path.join(prefix, "bin", "rpx-serve")
        done = subprocess.run([program, "demo", "--once"], cwd=prefix, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise SystemExit(f"the installed demo ended with {done.returncode}:\n{done.stderr}")
        libraries = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=60, check=True).stdout
        if os.path.realpath(prefix) not in libraries:
            raise SystemExit(f"the installed program uses another library:\n{libraries}")
        for pattern in ("share/man/man1/rpx-serve.1*", "share/man/man5/rpx.toml.5*", "share/man/man7/rpx-control.7*",
                        "share/bash-completion/completions/rpx-serve", "share/zsh/site-functions/_rpx-serve",
                        "share/fish/vendor_completions.d/rpx-serve.fish"):
            if not glob.glob(os.path.join(prefix, pattern)):
                raise SystemExit(f"{pattern} was not installed")


main(sys.argv[1])
