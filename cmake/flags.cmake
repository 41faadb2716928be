# Compiler and linker flags that every target shares.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wold-style-cast -Wno-missing-field-initializers -Wno-missing-designated-field-initializers)
if(RPX_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_options(-fno-semantic-interposition -fstack-protector-strong)
add_link_options(-fuse-ld=lld -Wl,-z,relro,-z,now)

# Every counter and frame pool is thread-local; librpx is never loaded late, so the cheap model is safe.
add_compile_options(-ftls-model=initial-exec)

if(RPX_SANITIZE)
  add_compile_options(-fsanitize=${RPX_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RPX_SANITIZE})
  if(RPX_SANITIZE MATCHES "address|undefined")
    # The sanitizer's virtual-call check needs the type information of other libraries, built without it.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-D_GLIBCXX_ASSERTIONS>)
endif()

# With ccache a second build of the same sources costs seconds; precompiled headers need the slack.
find_program(RPX_CCACHE ccache)
if(RPX_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${RPX_CCACHE})
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()
