# A suite of one's own: bench's whole command line, its reference data and its tests, for one's own models. This file is
# installed beside the package's configuration, which includes it. docs/own_suite.md tells it from the user's side.

# loadpath_add_suite(name SOURCES a.cc … [REFERENCES file.py] [DATA folder] [LINK targets…] [PYTHON python] [FILTER regex]
#                    [COSTS costs.json])
#   Adds
#     NAME            the program, over SuiteMain (<loadpath/suite.h>)
#     NAME-reference  a target that makes the reference data by `python -m loadpath.reference REFERENCES`
#     NAME-costs      a target that writes COSTS anew (if COSTS is given)
#     NAME.reference, NAME.load, NAME.forward, NAME.costs
#                     tests: the reference data are there and whole; every load and every forward pass gives Python's
#                     answer; every load costs exactly what COSTS says, or without COSTS twice the same
#   DATA: where the reference data lie (default: NAME-data in the build folder). If no Python with PyTorch is found, or no
#   REFERENCES are given, the data that lie there are used as they are.
#   PYTHON: an interpreter with torch, safetensors and numpy (default: that of the virtual environment, that of the wheel
#   that LibTorch is from, python3).
#   FILTER: the tests run only the cases whose name has a match (-regex: none); a test that it leaves none is skipped.
function(loadpath_add_suite name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "REFERENCES;DATA;PYTHON;FILTER;COSTS" "SOURCES;LINK")
  set(call "loadpath_add_suite(${name})")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${call}: not understood: ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES} "
      "(it takes SOURCES, REFERENCES, DATA, LINK, PYTHON, FILTER and COSTS, each with a value)")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "${call}: SOURCES is missing")
  endif()
  if(NOT arg_REFERENCES AND NOT arg_DATA)
    message(FATAL_ERROR "${call}: name REFERENCES, the Python file that makes the reference data, or DATA, a folder that holds them")
  endif()
  foreach(path REFERENCES COSTS)
    if(arg_${path})
      cmake_path(ABSOLUTE_PATH arg_${path} BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    endif()
  endforeach()
  if(arg_REFERENCES AND NOT EXISTS ${arg_REFERENCES})
    message(FATAL_ERROR "${call}: REFERENCES ${arg_REFERENCES}: there is no such file")
  endif()
  if(arg_DATA)
    cmake_path(ABSOLUTE_PATH arg_DATA BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    if(EXISTS ${arg_DATA} AND NOT IS_DIRECTORY ${arg_DATA})
      message(FATAL_ERROR "${call}: DATA ${arg_DATA}: is a file, not a folder")
    endif()
  else()
    set(arg_DATA ${CMAKE_CURRENT_BINARY_DIR}/${name}-data)
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE loadpath::suite ${arg_LINK})
  set(make_data "cmake --build ${CMAKE_BINARY_DIR} --target ${name}-reference makes it")
  _loadpath_suite_references(${name})
  target_compile_definitions(${name} PRIVATE "LOADPATH_SUITE_DATA=\"${arg_DATA}\"" "LOADPATH_SUITE_MAKE_DATA=\"${make_data}\"")
  if(_python)
    target_compile_definitions(${name} PRIVATE "LOADPATH_SUITE_PYTHON=\"${_python}\"" "LOADPATH_SUITE_MODULE_PATH=\"${_module}\""
      "LOADPATH_SUITE_REFERENCES=\"${arg_REFERENCES}\"")
  endif()

  if(NOT CMAKE_TESTING_ENABLED)
    message(NOTICE "${call}: its tests are not there: call enable_testing() before it")
  endif()
  set(fixture ${name}.reference_data)
  set(filter "^(load|forward)/")
  if(NOT "${arg_FILTER}" STREQUAL "")
    set(filter "${arg_FILTER}")
  endif()
  set(run ${name} --data ${arg_DATA} --quick --filter=${filter})
  set(costs "")
  if(arg_COSTS)
    set(costs --costs ${arg_COSTS})
    add_custom_target(${name}-costs VERBATIM USES_TERMINAL COMMENT "Writing ${arg_COSTS}"
      COMMAND ${run} --kind load --repetitions 1 --write-costs ${arg_COSTS})
    if(NOT EXISTS ${arg_COSTS})
      message(NOTICE "${call}: COSTS ${arg_COSTS} is not there yet: `cmake --build ${CMAKE_BINARY_DIR} --target ${name}-costs` writes it")
    endif()
  endif()
  add_test(NAME ${name}.load COMMAND ${run} --kind load)
  add_test(NAME ${name}.forward COMMAND ${run} --kind forward)
  add_test(NAME ${name}.costs COMMAND ${run} --kind load --repetitions 2 ${costs})
  set_tests_properties(${name}.load ${name}.forward ${name}.costs PROPERTIES
    FIXTURES_REQUIRED ${fixture} RESOURCE_LOCK ${fixture} TIMEOUT 3600 SKIP_RETURN_CODE 77)
  set_tests_properties(${name}.reference PROPERTIES FIXTURES_SETUP ${fixture} TIMEOUT 3600)
  set_tests_properties(${name}.reference ${name}.load ${name}.forward ${name}.costs PROPERTIES LABELS ${name})
endfunction()

# Adds the target NAME-reference and the test NAME.reference. Reads the caller's variables; sets make_data where no Python
# can make the data.
macro(_loadpath_suite_references name)
  set(_python "")
  if(arg_REFERENCES)
    _loadpath_suite_python("${arg_PYTHON}" _python _why)
    if(arg_PYTHON AND NOT _python)
      message(FATAL_ERROR "${call}: ${_why}")
    endif()
  endif()
  if(_python)
    get_property(_module GLOBAL PROPERTY LOADPATH_PYTHON_MODULE)
    set(_make ${_python} -m loadpath.reference ${arg_REFERENCES} --data ${arg_DATA} --program $<TARGET_FILE:${name}>)
    add_custom_target(${name}-reference VERBATIM USES_TERMINAL COMMENT "Making the reference data of ${name}"
      COMMAND ${CMAKE_COMMAND} -E env --modify PYTHONPATH=path_list_prepend:${_module} ${_make})
    add_test(NAME ${name}.reference COMMAND ${_make})
    set_tests_properties(${name}.reference PROPERTIES ENVIRONMENT_MODIFICATION PYTHONPATH=path_list_prepend:${_module})
  else()
    set(make_data "the folder ${arg_DATA} is to hold it")
    set(_says "${name}-reference needs REFERENCES in loadpath_add_suite(${name})")
    if(arg_REFERENCES)
      set(_says "${call}: ${_why}")
      if(EXISTS ${arg_DATA}/manifest.json)
        message(STATUS "${_says}. The tests use ${arg_DATA} as it is.")
      else()
        message(WARNING "${_says}, and ${arg_DATA} holds no manifest.json: the tests will fail. Pass PYTHON, or put the reference data there.")
      endif()
    endif()
    add_custom_target(${name}-reference VERBATIM
      COMMAND ${CMAKE_COMMAND} -E echo "${_says}" COMMAND ${CMAKE_COMMAND} -E false)
    add_test(NAME ${name}.reference COMMAND ${name} --data ${arg_DATA} --check-data)
  endif()
endmacro()

# Sets `python` to an interpreter that can make reference data; if there is none, sets `why` to a sentence.
function(_loadpath_suite_python wanted python why)
  set(candidates ${wanted})
  if(NOT wanted)
    if(DEFINED ENV{VIRTUAL_ENV})
      list(APPEND candidates $ENV{VIRTUAL_ENV}/bin/python)
    endif()
    if(TARGET LibTorch::torch_cpu)
      get_target_property(library LibTorch::torch_cpu IMPORTED_LOCATION)
      # ENVIRONMENT/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so
      cmake_path(SET environment NORMALIZE ${library}/../../../../../../bin/python)
      list(APPEND candidates ${environment})
    endif()
    list(APPEND candidates python3)
  endif()
  list(REMOVE_DUPLICATES candidates)
  set(reasons "")
  foreach(candidate ${candidates})
    execute_process(COMMAND ${candidate} -c [[
import importlib.util, sys
assert sys.version_info >= (3, 11), "Python 3.11 or later is needed"
for package in ("torch", "safetensors", "numpy"): assert importlib.util.find_spec(package), f"the package {package} is not installed"
]] RESULT_VARIABLE status ERROR_VARIABLE error OUTPUT_QUIET)
    if(status EQUAL 0)
      set(${python} ${candidate} PARENT_SCOPE)
      return()
    endif()
    string(REGEX MATCH "AssertionError: ([^\n]*)" reason "${error}")
    list(APPEND reasons "${candidate}: ${CMAKE_MATCH_1}")
    if(NOT reason)
      list(POP_BACK reasons)
      list(APPEND reasons "${candidate}: cannot be run")
    endif()
  endforeach()
  list(JOIN reasons "; " reasons)
  set(${why} "no Python with PyTorch was found (${reasons})" PARENT_SCOPE)
endfunction()
