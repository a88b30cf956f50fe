"""No room of the library calls into one above it. Include paths keep headers apart; this keeps what links by name alone,
as functions of duet.h do. Arguments: --room NAME OBJECT..., from the lowest room up."""
import subprocess
import sys


def symbols(objects, kinds):
    lines = subprocess.run(["nm", *objects], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if len(line.split()) > 1 and line.split()[-2] in kinds}


rooms = []
for argument in sys.argv[1:]:
    if argument == "--room":
        rooms.append([])
    else:
        rooms[-1].append(argument)

wrong = []
for i, (name, *objects) in enumerate(rooms):
    wanted = symbols(objects, "U")
    for above, *others in rooms[i + 1:]:
        wrong += [f"{name} calls {symbol}() of {above}" for symbol in wanted & symbols(others, "T")]

print("\n".join(sorted(wrong)))
if len(rooms) < 2 or not all(len(symbols(objects, "T")) > 0 for _, *objects in rooms) or wrong:
    sys.exit(1)
print(f"{len(rooms)} rooms, none of which calls upward")
