"""Proxies that run the files of examples/ as they are."""

import os
import shutil

from support.flow import FlowTest
from support.proxy import Proxy

EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "examples")


class Example(Proxy):
    """A proxy whose file is used as it is written."""

    def write_config(self, config):
        self.write("rpx.toml", config if "[serve]" in config else f'[serve]\ncontrol = "rpx.sock"\n{config}')


class ExampleTest(FlowTest):
    def start(self, name, files=None, **env):
        """The example's file, copied with its folder and the folder `files`, on a port of the kernel's choice."""
        folder = self.folder()
        source = os.path.join(EXAMPLES, os.path.dirname(name)) if "/" in name else EXAMPLES
        for leaf in os.listdir(source):
            if os.path.isfile(os.path.join(source, leaf)):
                with open(os.path.join(source, leaf), encoding="utf-8") as f, \
                        open(os.path.join(folder, leaf), "w", encoding="utf-8") as to:
                    to.write(f.read())
        if files:
            shutil.copytree(files, folder, dirs_exist_ok=True)
        with open(os.path.join(folder, os.path.basename(name)), encoding="utf-8") as f:
            text = f.read()
        env = {"LISTEN": "127.0.0.1:0", "CONTROL": "rpx.sock", **env}
        proxy = Example(text, folder=folder, env=env)
        self.proxies.append(proxy)
        self.addCleanup(proxy.kill)
        self.addCleanup(proxy.stop)
        return proxy
