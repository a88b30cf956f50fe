"""An installed Duet serves others: found by pkg-config and by CMake, shared and static."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

build, source = map(Path, sys.argv[1:3])
CMAKELISTS = """cmake_minimum_required(VERSION 3.18)
project(consumer C)
find_package(duet 0.1 REQUIRED)
foreach(kind duet duet_static)
  add_executable(with_${kind} double_server.c)
  target_link_libraries(with_${kind} PRIVATE duet::${kind})
endforeach()
if(COMMAND duet_generate)
  add_executable(generated ledger_main.c)
  target_link_libraries(generated PRIVATE duet::duet)
  duet_generate(generated ledger.idl)
endif()
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def expect_version(program, **options):
    answer = run(program, "--version", **options)
    if "with Duet 0." not in answer:
        sys.exit(f"{program} --version says {answer!r}")


with tempfile.TemporaryDirectory() as folder:
    prefix, work = Path(folder, "prefix"), Path(folder, "work")
    work.mkdir()
    run("cmake", "--install", build, "--prefix", prefix)
    program = source / "examples/double/double_server.c"
    pkgconfig = next(prefix.rglob("pkgconfig"))

    found = os.environ | {"PKG_CONFIG_PATH": str(pkgconfig)}
    flags = run("pkg-config", "--cflags", "--libs", "duet", env=found).split()
    run("cc", "-o", work / "by_pkgconfig", program, *flags)
    expect_version(work / "by_pkgconfig", env=os.environ | {"LD_LIBRARY_PATH": str(pkgconfig.parent)})

    # The static one by the same flags: the file instead of its name, for a name finds the shared one.
    flags = run("pkg-config", "--cflags", "--libs", "--static", "duet", env=found).split()
    flags = ["-l:libduet.a" if flag == "-lduet" else flag for flag in flags]
    run("cc", "-o", work / "by_pkgconfig_static", program, *flags)
    expect_version(work / "by_pkgconfig_static")

    (work / "CMakeLists.txt").write_text(CMAKELISTS, encoding="utf-8")
    (work / "double_server.c").write_bytes(program.read_bytes())
    for name in "ledger_main.c", "ledger.idl":
        (work / name).write_bytes((source / "examples/ledger" / name).read_bytes())
    run("cmake", "-S", work, "-B", work / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", work / "build")
    for kind in "duet", "duet_static":
        expect_version(work / f"build/with_{kind}")

    # What is made of an interface is made again when that changes, or what it includes.
    if (prefix / "bin/duetgen").exists():
        expect_version(work / "build/generated")
        (work / "kinds.idl").write_text("enum kind { 0: a }\n", encoding="utf-8")
        with (work / "ledger.idl").open("a", encoding="utf-8") as interface:
            interface.write("include kinds.idl\nmessage later { 0: kind kind }\n")
        run("cmake", "--build", work / "build")
        header = work / "build/generated.duet/kinds.h"
        for name in "KINDS_KIND_A", "KINDS_KIND_B":
            if name not in header.read_text(encoding="utf-8"):
                sys.exit(f"{header} has no {name}")
            (work / "kinds.idl").write_text("enum kind { 0: b }\n", encoding="utf-8")
            run("cmake", "--build", work / "build")
