"""Neovim as the other end: Duet calls it, and it calls back before it answers; with one worker,
with no worker at all, with one call in flight, with every method on a worker."""
import json
import os
import subprocess
import tempfile
import unittest

from duet_server import PATIENCE_S, Server, need_command

SCRIPT = """
let out = {}
let c = sockconnect('tcp', $DUET_ADDRESS, {'rpc': v:true})
let out.sum = rpcrequest(c, $DUET_ASK, 'nvim_eval', '20 + 1')
let out.inner = rpcrequest(c, $DUET_ASK, 'nvim_eval', 'rpcrequest(' . c . ', "double", 21)')
let out.slow = rpcrequest(c, $DUET_ASK, 'nvim_eval', 'rpcrequest(' . c . ', "demo.sleep", 0.01)')
func! Deeper(c, depth)
  return a:depth == 0 ? 'bottom' :
    \\ rpcrequest(a:c, $DUET_ASK, 'nvim_call_function', 'Deeper', [a:c, a:depth - 1])
endfunc
let out.deep = Deeper(c, 5)
for [name, args] in items({'missing': ['nvim_no_such'], 'wrong': ['nvim_eval', 'no_such()']})
  try
    call call('rpcrequest', [c, $DUET_ASK] + args)
    let out[name] = 'no error'
  catch
    let out[name] = v:exception
  endtry
endfor
call rpcrequest(c, 'demo.tell', 'nvim_set_var', 'told', {'by': 'duet'})
let out.told = wait(10000, 'exists("g:told")', 1) == 0 ? g:told : 'nothing'
let out.after = rpcrequest(c, 'double', 21)
call writefile([json_encode(out)], $DUET_OUT)
qall!
"""


class Neovim(unittest.TestCase):
    def run_against(self, *flags, ask="demo.ask"):
        nvim = need_command("nvim")
        server = Server(*flags)
        self.addCleanup(server.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        script, out = (os.path.join(folder.name, name) for name in ("script.vim", "out.json"))
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        host, port = server.host_port()
        environment = dict(
            os.environ, DUET_ADDRESS=f"{host}:{port}", DUET_ASK=ask, DUET_OUT=out, HOME=folder.name,
            XDG_STATE_HOME=folder.name, XDG_DATA_HOME=folder.name, XDG_CONFIG_HOME=folder.name,
            LC_ALL="C.UTF-8",
        )
        done = subprocess.run(
            [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", script],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE_S,
        )
        self.assertTrue(os.path.exists(out), done.stderr)
        with open(out, encoding="utf-8") as file:
            return json.load(file)

    def check(self, out):
        self.assertEqual(out["sum"], 21)
        self.assertEqual(out["inner"], 42)
        self.assertEqual(out["slow"], 0.01)
        self.assertEqual(out["deep"], "bottom")
        for name in "missing", "wrong":  # of errors with such a code Neovim tells no words
            self.assertIn("demo.ask", out[name])
        self.assertEqual(out["told"], {"by": "duet"})
        self.assertEqual(out["after"], 42)

    def test_with_one_worker(self):
        self.check(self.run_against("--workers", "1"))

    def test_with_one_call_in_flight(self):
        self.check(self.run_against("--workers", "1", "--max-in-flight", "1"))

    def test_with_every_method_on_a_worker(self):
        self.check(self.run_against("--workers", "1", "--max-in-flight", "1", "--no-inline"))

    def test_with_no_worker_and_one_thread(self):
        self.check(self.run_against("--workers", "0", "--loops", "1", ask="demo.ask_later"))

    def test_with_calls_that_are_kept_and_one_in_flight(self):
        self.check(self.run_against("--max-in-flight", "1", ask="demo.ask_later"))


if __name__ == "__main__":
    unittest.main()
