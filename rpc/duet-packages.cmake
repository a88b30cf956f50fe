# The libraries that Duet links, under every name that distributions give them. Included by the build, and by the
# duet-config.cmake of an installed Duet for those who link the static library. For each package X that is there
#   duet::X            is a target to link (imported, global)
#   DUET_X_PKGCONFIG   is its name in pkg-config, or empty; with DUET_INSTALL only, which wants it for duet.pc
#   DUET_X_FLAG        is what links it for those who know no such name
# Looked for in this order: -DDUET_X_LIBRARY=… with -DDUET_X_INCLUDE_DIR=…, a target that the build has already,
# CMake's packages, the header and the library by name (where pkg-config says, then everywhere).

# duet_find(x HEADER x.h TARGETS t… PACKAGES p… PKGCONFIG m… LIBRARIES l…)
function(duet_find name)
  cmake_parse_arguments(arg "" HEADER "TARGETS;PACKAGES;PKGCONFIG;LIBRARIES" ${ARGN})
  string(TOUPPER DUET_${name} DUET)
  set(${DUET}_PKGCONFIG "" PARENT_SCOPE)
  if(${DUET}_LIBRARY AND ${DUET}_INCLUDE_DIR)
    duet_add_found(${name} ${${DUET}_LIBRARY} ${${DUET}_INCLUDE_DIR})
    duet_flag_of(${${DUET}_LIBRARY} flag)
    set(${DUET}_FLAG ${flag} PARENT_SCOPE)
    return()
  endif()

  duet_find_target(real "${arg_TARGETS}" "${arg_PACKAGES}")
  if(real AND NOT TARGET duet::${name})
    add_library(duet::${name} INTERFACE IMPORTED GLOBAL)
    set_property(TARGET duet::${name} PROPERTY INTERFACE_LINK_LIBRARIES ${real})
  endif()
  if(real AND NOT DUET_INSTALL)
    return()
  endif()

  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_search_module(${DUET}_PC QUIET ${arg_PKGCONFIG})
    set(${DUET}_PKGCONFIG "${${DUET}_PC_MODULE_NAME}" PARENT_SCOPE)
  endif()
  find_path(${DUET}_FOUND_INCLUDE_DIR ${arg_HEADER} HINTS ${${DUET}_PC_INCLUDE_DIRS})
  find_library(${DUET}_FOUND_LIBRARY NAMES ${arg_LIBRARIES} HINTS ${${DUET}_PC_LIBRARY_DIRS})
  mark_as_advanced(${DUET}_FOUND_INCLUDE_DIR ${DUET}_FOUND_LIBRARY)
  if(${DUET}_FOUND_LIBRARY AND ${DUET}_FOUND_INCLUDE_DIR)
    duet_add_found(${name} ${${DUET}_FOUND_LIBRARY} ${${DUET}_FOUND_INCLUDE_DIR})
    duet_flag_of(${${DUET}_FOUND_LIBRARY} flag)
    set(${DUET}_FLAG ${flag} PARENT_SCOPE)
  else() # a package in a place of its own
    list(GET arg_LIBRARIES 0 library)
    set(${DUET}_FLAG -l${library} PARENT_SCOPE)
  endif()
endfunction()

# /usr/lib/libz.so is -lz, so that who links with -static gets libz.a.
function(duet_flag_of library result)
  set(${result} ${library} PARENT_SCOPE)
  if(library MATCHES "^(.*)/lib([^/]+)\\.(so|a)$")
    set(flag -l${CMAKE_MATCH_2})
    if(NOT CMAKE_MATCH_1 IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
      list(PREPEND flag -L${CMAKE_MATCH_1})
    endif()
    set(${result} ${flag} PARENT_SCOPE)
  endif()
endfunction()

function(duet_add_found name library folder)
  if(NOT TARGET duet::${name})
    add_library(duet::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(duet::${name} PROPERTIES
      IMPORTED_LOCATION ${library} INTERFACE_INCLUDE_DIRECTORIES ${folder})
  endif()
endfunction()

# Sets `result` to the first of the targets that there is, or that a package brings; that one is made global, so
# that whoever links Duet sees it too, in whatever folder.
function(duet_find_target result targets packages)
  foreach(package IN ITEMS "" LISTS packages)
    if(package)
      find_package(${package} QUIET)
      mark_as_advanced(${package}_DIR)
    endif()
    foreach(target IN LISTS targets)
      if(TARGET ${target})
        duet_make_global(${target} "${package}")
        set(${result} ${target} PARENT_SCOPE)
        return()
      endif()
    endforeach()
  endforeach()
  set(${result} "" PARENT_SCOPE)
endfunction()

# One that was there before is its maker's, who sees it.
function(duet_make_global target found_now)
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  get_target_property(is_imported ${target} IMPORTED)
  if(found_now AND is_imported)
    set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
endfunction()

duet_find(expat HEADER expat.h
  TARGETS EXPAT::EXPAT expat::expat
  PACKAGES EXPAT
  PKGCONFIG expat
  LIBRARIES expat)
duet_find(zlib HEADER zlib.h
  TARGETS ZLIB::ZLIB
  PACKAGES ZLIB
  PKGCONFIG zlib
  LIBRARIES z)
# msgpack-c 6 is msgpack-c in all its names; before, it was msgpackc or msgpack, with C++ in the same package.
duet_find(msgpack HEADER msgpack.h
  TARGETS msgpack-c msgpackc msgpack-c-static msgpackc-static
  PACKAGES msgpack-c msgpackc msgpack
  PKGCONFIG msgpack-c msgpackc msgpack
  LIBRARIES msgpack-c msgpackc)
duet_find(llhttp HEADER llhttp.h
  TARGETS llhttp::llhttp llhttp::llhttp_shared llhttp::llhttp_static llhttp_shared llhttp_static
  PACKAGES llhttp
  PKGCONFIG libllhttp llhttp
  LIBRARIES llhttp)
