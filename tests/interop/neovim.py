"""Neovim's rpcrequest() and rpcnotify(), over TCP and a unix socket."""
import json
import os
import subprocess
import tempfile
import unittest

from duet_server import PATIENCE_S, Server, need_command

SCRIPT = """
let out = {}
let c = sockconnect($DUET_MODE, $DUET_ADDRESS, {'rpc': v:true})
let out.int = rpcrequest(c, 'double', 7)
let out.float = rpcrequest(c, 'double', 0.15)
let out.echo = rpcrequest(c, 'echo', {'list': [1, 'zwei', v:null, v:true], 'map': {'ü': '🙂'}})
let out.slow = rpcrequest(c, 'demo.sleep', 0.05)
let out.notified = rpcnotify(c, 'double', 1)
call rpcnotify(c, 'no_such_method')
for [name, args] in items({'missing': ['no_such_method'], 'wrong': ['double', 'x'], 'own': ['demo.fail', 42, 'why']})
  try
    call call('rpcrequest', [c] + args)
    let out[name] = 'no error'
  catch
    let out[name] = v:exception
  endtry
endfor
let out.after = rpcrequest(c, 'double', 21)
call writefile([json_encode(out)], $DUET_OUT)
qall!
"""


class Neovim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nvim = need_command("nvim")

    def run_script(self, folder, mode, address):
        script, out = os.path.join(folder, "script.vim"), os.path.join(folder, f"{mode}.json")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        environment = dict(
            os.environ, DUET_MODE=mode, DUET_ADDRESS=address, DUET_OUT=out, HOME=folder,
            XDG_STATE_HOME=folder, XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, LC_ALL="C.UTF-8",
        )
        done = subprocess.run(
            [self.nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", script],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE_S,
        )
        self.assertTrue(os.path.exists(out), done.stderr)
        with open(out, encoding="utf-8") as file:
            return json.load(file)

    def check(self, out):
        self.assertEqual(out["int"], 14)
        self.assertEqual(out["float"], 0.3)
        self.assertEqual(out["echo"], {"list": [1, "zwei", None, True], "map": {"ü": "🙂"}})
        self.assertEqual(out["slow"], 0.05)
        self.assertEqual(out["notified"], 1)
        for name, method in ("missing", "no_such"), ("wrong", "double"), ("own", "demo.fail"):
            self.assertIn(method, out[name])
        self.assertEqual(out["after"], 42)

    def run_server(self, *flags):
        """What the script found over TCP and over a unix socket."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            server = Server(*flags, listen=("tcp://127.0.0.1:0", f"unix:{path}"))
            try:
                host, port = server.host_port()
                yield self.run_script(folder, "tcp", f"{host}:{port}")
                yield self.run_script(folder, "pipe", path)
            finally:
                server.stop()

    def test_requests_and_notifications(self):
        for out in self.run_server():
            self.check(out)

    def test_errors_as_plain_text_show_their_words(self):
        # Of [number, text] Neovim shows the text only if the number is its own 0 or 1.
        for out in self.run_server("--error-style", "string"):
            self.check(out)
            self.assertIn("double: argument 1 must be int or double, got string", out["wrong"])
            self.assertIn("why", out["own"])


if __name__ == "__main__":
    unittest.main()
