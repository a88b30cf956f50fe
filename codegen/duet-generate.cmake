# duet_generate(target [JUBATUS] calc.idl…): what duetgen writes of the interfaces, and of those that they include, becomes
# part of the target, and is written anew when one of them changes. Call it where the target is made.

# Which files an interface includes, and so on, appended to the variable.
function(_duet_includes variable path)
  set(found ${${variable}} ${path})
  get_filename_component(folder ${path} DIRECTORY)
  if(EXISTS ${path})
    file(STRINGS ${path} lines REGEX "^[ \t]*include[ \t]")
    foreach(line IN LISTS lines)
      if(line MATCHES "^[ \t]*include[ \t]+[\"']?([^\"' \t;#]+)")
        get_filename_component(included ${CMAKE_MATCH_1} ABSOLUTE BASE_DIR ${folder})
        if(NOT included IN_LIST found)
          _duet_includes(found ${included})
        endif()
      endif()
    endforeach()
  endif()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

function(duet_generate target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "JUBATUS" "" "")
  set(files "")
  foreach(file IN LISTS ARG_UNPARSED_ARGUMENTS)
    get_filename_component(path ${file} ABSOLUTE)
    _duet_includes(files ${path})
  endforeach()
  list(REMOVE_DUPLICATES files)

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.duet)
  file(MAKE_DIRECTORY ${folder})
  set(flags --server)
  if(ARG_JUBATUS)
    list(APPEND flags --jubatus)
  endif()
  foreach(path IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path}) # it may include another one
    set(with_includes "")
    _duet_includes(with_includes ${path})
    get_filename_component(name ${path} NAME)
    string(REGEX REPLACE "\\.idl$" "" stem ${name})
    set(written ${folder}/${stem}.h ${folder}/${stem}_server.c)
    add_custom_command(OUTPUT ${written}
      COMMAND duet::duetgen ${flags} -o ${folder} ${path}
      DEPENDS ${with_includes} duet::duetgen
      COMMENT "duetgen ${name}"
      VERBATIM)
    target_sources(${target} PRIVATE ${written})
  endforeach()
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${folder}>)
endfunction()
