"""Duet as a folder of somebody else's build: the library and nothing else, and that build as it was."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(sys.argv[1])
# A host whose settings are not Duet's, and which has no C++ compiler. At its end it tells what it has become.
HOST = """cmake_minimum_required(VERSION 3.18)
project(host C)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_EXTENSIONS OFF)
@
get_cmake_property(names VARIABLES)
foreach(name ${names})
  file(APPEND ${CMAKE_BINARY_DIR}/variables "${name}=${${name}}\\n")
endforeach()
get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
file(WRITE ${CMAKE_BINARY_DIR}/languages "${languages}")
"""
PROGRAM = f"add_executable(program {SOURCE}/examples/double/double_server.c)\n"
LINKS_SHARED = PROGRAM + "target_link_libraries(program PRIVATE duet::duet)"
LINKS_STATIC = PROGRAM + "target_link_libraries(program PRIVATE duet::duet_static)"
# What looking for packages leaves behind, and names of our own.
OURS = re.compile("duet|expat|zlib|msgpack|llhttp|pkg_?c|^FIND_PACKAGE_|^CMAKE_HAVE_|^prefix_result$|"
                  "^(FETCHCONTENT|FC)_|^__cmake_", re.I)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check(holds, what):
    if not holds:
        sys.exit(what)


def configure(folder, lines, **subfolders):
    for path, text in {".": HOST.replace("@", lines), **subfolders}.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "CMakeLists.txt").write_text(text, encoding="utf-8")
    run("cmake", "-S", folder, "-B", folder / "build", env=os.environ | {"CXX": "/bin/false"})
    return folder / "build"


def variables(build):
    text = (build / "variables").read_text(encoding="utf-8").replace(str(build.parent), "HOST")
    return dict(re.findall(r"^([^\s=]+)=(.*)$", text, re.M))


def expect_unchanged(build, alone):
    before, after = variables(alone), variables(build)
    changed = [name for name in after if before.get(name) != after[name] and not OURS.search(name)]
    check(not changed, f"{build}: the host's {changed} are not what they were")
    check((build / "languages").read_text() == "C", f"{build}: another language than C was asked for")
    check(not list(build.rglob("CTestTestfile.cmake")), f"{build}: tests were enabled")


def expect_library_alone(build):
    run("cmake", "--build", build, "-j2")
    programs = [path for path in build.rglob("*") if path.is_file() and os.access(path, os.X_OK)
                and not path.name.startswith("libduet.so") and "CMakeFiles" not in path.parts]
    check([path.name for path in programs] == ["program"], f"{build}: the programs are {programs}")
    check(not list(build.rglob("bin")), f"{build}: there is a folder bin")
    check("with Duet 0." in run(programs[0], "--version"), f"{build}: the program does not run")
    run("cmake", "--install", build, "--prefix", build / "installed")
    check(not (build / "installed").exists(), f"{build}: Duet installs itself with its host")


with tempfile.TemporaryDirectory() as folder:
    hosts = Path(folder)
    without = configure(hosts / "alone", "")

    as_folder = configure(hosts / "folder", f"add_subdirectory({SOURCE} duet)\n{LINKS_SHARED}")
    expect_unchanged(as_folder, without)
    expect_library_alone(as_folder)

    # Who adds it and who links it are folders beside each other; only what is linked is built.
    beside = configure(
        hosts / "beside", "add_subdirectory(extern)\nadd_subdirectory(app)", app=LINKS_STATIC,
        extern=f"add_subdirectory({SOURCE} duet EXCLUDE_FROM_ALL)")
    expect_unchanged(beside, without)
    expect_library_alone(beside)
    check(not list(beside.rglob("libduet.so*")), "the shared library was built, which nobody links")

    fetched = configure(
        hosts / "fetched", "include(FetchContent)\n"
        f"FetchContent_Declare(duet SOURCE_DIR {SOURCE})\nFetchContent_MakeAvailable(duet)\n{LINKS_STATIC}")
    expect_unchanged(fetched, without)
