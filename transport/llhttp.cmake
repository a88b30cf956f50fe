# llhttp, which parses the heads of HTTP requests: an installed libllhttp, else the C sources that Debian's
# node-llhttp brings (with Debian's security updates), compiled into the library. Sets
#   DUET_LLHTTP_INCLUDE  where llhttp.h is
#   DUET_LLHTTP_LIBRARY  the library to link, or empty
#   DUET_LLHTTP_SOURCES  the sources to compile, or empty
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_LLHTTP QUIET libllhttp)
endif()
find_path(LLHTTP_INCLUDE_DIR llhttp.h HINTS ${PC_LLHTTP_INCLUDE_DIRS})
find_library(LLHTTP_LIBRARY llhttp HINTS ${PC_LLHTTP_LIBRARY_DIRS})
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_SOURCE_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
mark_as_advanced(LLHTTP_INCLUDE_DIR LLHTTP_LIBRARY LLHTTP_SOURCE_DIR LLHTTP_SOURCE_INCLUDE_DIR)

set(DUET_LLHTTP_LIBRARY "")
set(DUET_LLHTTP_SOURCES "")
if(LLHTTP_INCLUDE_DIR AND LLHTTP_LIBRARY)
  set(DUET_LLHTTP_INCLUDE ${LLHTTP_INCLUDE_DIR})
  set(DUET_LLHTTP_LIBRARY ${LLHTTP_LIBRARY})
elseif(LLHTTP_SOURCE_DIR AND LLHTTP_SOURCE_INCLUDE_DIR)
  set(DUET_LLHTTP_INCLUDE ${LLHTTP_SOURCE_INCLUDE_DIR})
  set(DUET_LLHTTP_SOURCES
    ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
else()
  message(FATAL_ERROR "llhttp not found: install the package node-llhttp (Debian), or libllhttp with its header")
endif()
message(STATUS "llhttp: ${DUET_LLHTTP_LIBRARY}${DUET_LLHTTP_SOURCES} with ${DUET_LLHTTP_INCLUDE}")
