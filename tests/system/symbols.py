"""libduet.so exports what duet.h declares with DUET_API, each under its version, and nothing else; its
soname and that version are those of duet.h."""
import re
import subprocess
import sys

library, header = sys.argv[1:3]
with open(header, encoding="utf-8") as file:
    text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
declared = set(re.findall(r"DUET_API\s[^;]*?\b(duet_\w+)\s*\(", re.sub(r"^DUET_INLINE_API.*?^}", "", text, flags=re.S | re.M)))
major, minor = (re.search(rf"#define DUET_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR"))
number = f"{major}.{minor}"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


wrong = []
lines = output("nm", "-D", "--defined-only", library).splitlines()
symbols = {line.split()[-1] for line in lines if line.split()[-2] in "TDBRVW"}
exported = {symbol.split("@")[0] for symbol in symbols}
wrong += [f"duet.h declares {name}, but libduet does not export it" for name in declared - exported]
wrong += [f"libduet exports {name}, but duet.h does not declare it" for name in exported - declared]
wrong += [f"{symbol} is not of version DUET_{number}" for symbol in symbols
          if not symbol.endswith(f"@@DUET_{number}")]
if f"[libduet.so.{number}]" not in output("readelf", "-d", library):
    wrong.append(f"the soname is not libduet.so.{number}")
needed = re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", library))
wrong += [f"libduet needs {name}, which is of C++" for name in needed if "++" in name]

print("\n".join(sorted(wrong)))
if not declared or wrong:
    sys.exit(1)
print(f"{len(declared)} functions, declared and exported alike")
