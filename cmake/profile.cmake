# What the compiler is told of the usual way of a request: counts of tests/soak/paths.py, kept in usual.proftext, so that
# release builds lay out and inline by them. `.ci/profile` makes them anew.
set(RPX_PROFILE "use" CACHE STRING "Release builds: use the profile of what a proxy does, make one (.ci/profile), or none")
set_property(CACHE RPX_PROFILE PROPERTY STRINGS use make none)
if(NOT RPX_PROFILE MATCHES "^(use|make|none)$")
  message(FATAL_ERROR "RPX_PROFILE is \"${RPX_PROFILE}\": expected use, make or none")
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT RPX_PROFILE STREQUAL "none")
  # Functions of one file are told apart by its name, wherever the tree lies.
  add_compile_options("SHELL:-mllvm -static-func-full-module-prefix=false")
  if(RPX_PROFILE STREQUAL "make")
    add_compile_options(-fprofile-generate)
    add_link_options(-fprofile-generate)
  else()
    find_program(RPX_PROFDATA llvm-profdata-19 REQUIRED)
    set(counts ${CMAKE_CURRENT_SOURCE_DIR}/cmake/usual.proftext)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${counts})
    # Its own name for each content: other counts are other flags, and what was compiled with them is compiled again.
    file(SHA256 ${counts} hash)
    string(SUBSTRING ${hash} 0 12 hash)
    set(profile ${CMAKE_BINARY_DIR}/usual-${hash}.profdata)
    if(NOT EXISTS ${profile})
      execute_process(COMMAND ${RPX_PROFDATA} merge -o ${profile} ${counts} COMMAND_ERROR_IS_FATAL ANY)
    endif()
    # Code that has changed since, or was never run then, has no counts; nothing is wrong with that.
    add_compile_options(-fprofile-use=${profile} -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled
                        -Wno-backend-plugin)
  endif()
endif()
