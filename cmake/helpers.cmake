# rpx_tool(rpx-name sources…): an executable over librpx.
function(rpx_tool name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE rpx)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
                        INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
