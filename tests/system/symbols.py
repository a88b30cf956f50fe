"""libduet.so exports what duet.h declares with DUET_API, and nothing else."""
import re
import subprocess
import sys

library, header = sys.argv[1:3]
with open(header, encoding="utf-8") as file:
    text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
declared = set(re.findall(r"DUET_API\s[^;]*?\b(duet_\w+)\s*\(", text))

lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                       capture_output=True, text=True).stdout.splitlines()
exported = {line.split()[-1].split("@")[0] for line in lines if line.split()[-2] in "TDBRVW"}

for name in sorted(declared - exported):
    print(f"duet.h declares {name}, but libduet does not export it")
for name in sorted(exported - declared):
    print(f"libduet exports {name}, but duet.h does not declare it")
if not declared or declared != exported:
    sys.exit(1)
print(f"{len(declared)} functions, declared and exported alike")
