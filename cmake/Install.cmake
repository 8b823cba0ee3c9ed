# Installs the programs, and the libraries for other programs as a CMake package.
#
# Only the headers listed here are public. They keep their paths, so that an #include reads the same everywhere.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# loadpath_install_library(component PARTS name… HEADERS a.h …): installs the libraries loadpath_NAME as the targets
# loadpath::NAME of one component.
function(loadpath_install_library component)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PARTS;HEADERS")
  foreach(part ${arg_PARTS})
    set(target loadpath_${part})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${part})
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/loadpath>)
    if(LOADPATH_SANITIZE)
      target_link_options(${target} INTERFACE $<INSTALL_INTERFACE:-fsanitize=address,undefined>)
    endif()
    install(TARGETS ${target} EXPORT loadpath_${component} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endforeach()
  install(EXPORT loadpath_${component} FILE ${component}.cmake NAMESPACE loadpath:: DESTINATION ${_package})
  foreach(header ${arg_HEADERS})
    cmake_path(GET header PARENT_PATH folder)
    install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/loadpath/${folder})
  endforeach()
endfunction()

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/loadpath)
loadpath_install_library(checkpoint PARTS base checkpoint HEADERS
  harness/checkpoint/checkpoint.h harness/checkpoint/dtype.h harness/base/error.h harness/base/keyed_hash.h
  harness/checkpoint/huge_pages.h harness/checkpoint/tree.h)
set(_modules ImportLibdeflate.cmake)
if(TARGET loadpath_state)
  loadpath_install_library(state PARTS state HEADERS
    harness/state/deferred_init.h harness/state/load_state_dict.h harness/state/module_info.h harness/state/state_dict.h)
  list(APPEND _modules ImportLibTorch.cmake)
  install(TARGETS bench ckpt ckpt-load RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
list(TRANSFORM _modules PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/loadpathConfig.cmake.in ${PROJECT_BINARY_DIR}/loadpathConfig.cmake
  INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/loadpathConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/loadpathConfig.cmake ${PROJECT_BINARY_DIR}/loadpathConfigVersion.cmake ${_modules}
  DESTINATION ${_package})
