# Installs the programs, and the libraries for other programs as a CMake package.
#
# The public headers are those in the folders include/ beside the sources of a library: <loadpath/….h>.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# loadpath_install_library(component PARTS name[=target]…): installs the libraries loadpath_NAME as the targets
# loadpath::NAME, or loadpath::TARGET, of one component.
function(loadpath_install_library component)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PARTS")
  foreach(part ${arg_PARTS})
    string(REGEX MATCH "^([^=]*)=?(.*)" part ${part})
    set(target loadpath_${CMAKE_MATCH_1})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${CMAKE_MATCH_1})
    if(CMAKE_MATCH_2)
      set_target_properties(${target} PROPERTIES EXPORT_NAME ${CMAKE_MATCH_2})
    endif()
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    if(LOADPATH_SANITIZE)
      target_link_options(${target} INTERFACE $<INSTALL_INTERFACE:-fsanitize=address,undefined>)
    endif()
    install(TARGETS ${target} EXPORT loadpath_${component} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    get_target_property(folder ${target} SOURCE_DIR)
    if(EXISTS ${folder}/include)
      install(DIRECTORY ${folder}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
    endif()
  endforeach()
  install(EXPORT loadpath_${component} FILE ${component}.cmake NAMESPACE loadpath:: DESTINATION ${_package})
endfunction()

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/loadpath)
# Each component needs those before it; loadpathConfig.cmake.in has the same order.
loadpath_install_library(checkpoint PARTS base checkpoint)
set(_modules ImportLibdeflate.cmake)
if(LOADPATH_TORCH)
  loadpath_install_library(state PARTS state)
  loadpath_install_library(load PARTS load)
  # All of the harness; the program of a suite calls its last part.
  loadpath_install_library(suite PARTS version inspect diff save command_line model golden measure results fitting_model ckpt
    ckpt_models suite=cases suite_main=suite)
  list(APPEND _modules ImportLibTorch.cmake AddSuite.cmake)
  set(_python ${CMAKE_INSTALL_DATADIR}/loadpath/python/loadpath)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/scripts/loadpath/reference ${PROJECT_SOURCE_DIR}/scripts/loadpath/eager DESTINATION ${_python} FILES_MATCHING PATTERN *.py
    PATTERN generate.py EXCLUDE) # of the bundled models
  install(FILES ${PROJECT_SOURCE_DIR}/scripts/loadpath/__init__.py DESTINATION ${_python})
  foreach(_file __init__ expected formats keys) # for bench --oracle python
    install(FILES ${PROJECT_SOURCE_DIR}/scripts/loadpath/peers/${_file}.py DESTINATION ${_python}/peers)
  endforeach()
  install(FILES ${PROJECT_SOURCE_DIR}/harness/golden/reference_files.json DESTINATION ${_python}/reference)
  install(TARGETS bench ckpt ckpt-load RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
list(TRANSFORM _modules PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/loadpathConfig.cmake.in ${PROJECT_BINARY_DIR}/loadpathConfig.cmake
  INSTALL_DESTINATION ${_package} PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/loadpathConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/loadpathConfig.cmake ${PROJECT_BINARY_DIR}/loadpathConfigVersion.cmake ${_modules}
  DESTINATION ${_package})
