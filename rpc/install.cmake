# find_package(duet) gives duet::duet and duet::duet_static; pkg-config duet the same for other builds.
include(CMakePackageConfigHelpers)
set(DUET_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/duet)
file(RELATIVE_PATH DUET_PREFIX_FROM_PC
     /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

# What the static library needs: by name where pkg-config knows it, else what links it.
set(DUET_PC_REQUIRES "")
set(DUET_PC_LIBS "")
foreach(package ${DUET_PACKAGES})
  string(TOUPPER DUET_${package} DUET)
  if(${DUET}_PKGCONFIG)
    list(APPEND DUET_PC_REQUIRES ${${DUET}_PKGCONFIG})
  else()
    list(APPEND DUET_PC_LIBS ${${DUET}_FLAG})
  endif()
endforeach()
list(APPEND DUET_PC_LIBS -lpthread)
if(DUET_ATOMIC)
  list(APPEND DUET_PC_LIBS -latomic)
endif()
list(JOIN DUET_PC_REQUIRES " " DUET_PC_REQUIRES)
list(JOIN DUET_PC_LIBS " " DUET_PC_LIBS)

configure_file(duet.pc.in ${PROJECT_BINARY_DIR}/duet.pc @ONLY)
configure_file(duet-config.cmake.in ${PROJECT_BINARY_DIR}/duet-config.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/duet-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(TARGETS duet_shared duet_static EXPORT duet DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT duet NAMESPACE duet:: FILE duet-targets.cmake DESTINATION ${DUET_CMAKE_DIR})
install(FILES ${PROJECT_BINARY_DIR}/duet-config.cmake ${PROJECT_BINARY_DIR}/duet-config-version.cmake
        duet-packages.cmake DESTINATION ${DUET_CMAKE_DIR})
install(FILES duet.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/duet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
