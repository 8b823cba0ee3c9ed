# cmake -DPORTFILE=… -DPORT=loadpath -DCURRENT_PACKAGES_DIR=… -DCURRENT_BUILDTREES_DIR=… -P vcpkg_functions.cmake
#
# Runs a portfile with plain CMake: the functions of vcpkg that it calls, each doing what vcpkg's does for one
# configuration of an x64-linux build.
function(vcpkg_check_linkage)
  if(NOT "${ARGN}" STREQUAL "ONLY_STATIC_LIBRARY")
    message(FATAL_ERROR "the libraries are static")
  endif()
endfunction()

function(_run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed OR output MATCHES "Manually-specified variables were not used")
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vcpkg_cmake_configure: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  _run(${CMAKE_COMMAND} -G Ninja -S ${arg_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} ${arg_OPTIONS} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_UNITY_BUILD=ON -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DFETCHCONTENT_FULLY_DISCONNECTED=ON)
endfunction()

function(vcpkg_cmake_build)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET" "")
  _run(${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} --parallel 2 --target ${arg_TARGET})
endfunction()

function(vcpkg_cmake_install)
  _run(${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} --target install)
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  file(MAKE_DIRECTORY ${CURRENT_PACKAGES_DIR}/share)
  file(RENAME ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/${PORT})
  # As vcpkg_cmake_config_fixup.cmake does: the configuration lies two folders below the prefix now, not three.
  file(GLOB configs ${CURRENT_PACKAGES_DIR}/share/${PORT}/*.cmake)
  foreach(config ${configs})
    file(READ ${config} text)
    string(REGEX REPLACE "(PACKAGE_PREFIX_DIR \"\\\${CMAKE_CURRENT_LIST_DIR})/\\.\\./\\.\\./\\.\\./?\"" "\\1/../../\"" text "${text}")
    string(REGEX REPLACE "get_filename_component\\(_IMPORT_PREFIX \"\\\${CMAKE_CURRENT_LIST_FILE}\" PATH\\)(\nget_filename_component\\(_IMPORT_PREFIX \"\\\${_IMPORT_PREFIX}\" PATH\\))*"
      "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)" text "${text}")
    file(WRITE ${config} "${text}")
  endforeach()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  configure_file(${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright COPYONLY)
endfunction()

# A portfile finds its own folder as CMAKE_CURRENT_LIST_DIR.
include(${PORTFILE})
