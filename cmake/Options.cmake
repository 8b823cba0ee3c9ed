# Says how every target is compiled, by one interface target. Only the language standard is global.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# CI sets the environment variable CI. Elsewhere another compiler's new warning must not stop a build.
set(_ci OFF)
if(DEFINED ENV{CI})
  set(_ci ON)
endif()
option(LOADPATH_WERROR "Treat warnings as errors" ${_ci})
option(LOADPATH_SANITIZE "Compile with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(LOADPATH_SANITIZED_TESTS "Build and run the tests that need no LibTorch with both sanitizers too, and the fuzz targets" ON)
option(LOADPATH_INSTALL "Install the programs and the package" ${PROJECT_IS_TOP_LEVEL})
option(LOADPATH_TORCH "Build the parts that need LibTorch; if OFF, only the reader of checkpoints" ON)
option(LOADPATH_FUZZ "Build the fuzz targets, which need clang" OFF)
option(LOADPATH_FUZZ_COUNTERS "Count what the fuzz targets reach in the reader, which guides them and slows it by half" ON)

# The tests of the reader compile without LibTorch, but the files that they read are made with it: a build without LibTorch
# has tests if LOADPATH_TEST_DATA names the test-data folder of a build that has LibTorch.
set(LOADPATH_TESTS OFF)
if(PROJECT_IS_TOP_LEVEL AND BUILD_TESTING AND (LOADPATH_TORCH OR LOADPATH_TEST_DATA))
  set(LOADPATH_TESTS ON)
endif()

add_library(loadpath_options INTERFACE)
target_compile_options(loadpath_options INTERFACE -Wall -Wextra -Wno-unknown-pragmas $<$<BOOL:${LOADPATH_WERROR}>:-Werror>
  # GCC 12 wrongly warns of memcpy wherever it inlines texts that are joined: that it overlaps (its bug 105329), that it
  # reaches past the end of the text (105651).
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
target_include_directories(loadpath_options INTERFACE ${PROJECT_SOURCE_DIR})
if(LOADPATH_FUZZ)
  if(LOADPATH_FUZZ_COUNTERS)
    target_compile_options(loadpath_options INTERFACE -fsanitize=fuzzer-no-link)
  endif()
  target_compile_definitions(loadpath_options INTERFACE FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
endif()
if(LOADPATH_SANITIZE)
  target_compile_options(loadpath_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(loadpath_options INTERFACE -fsanitize=address,undefined)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache's manual asks for this sloppiness if a precompiled header is used.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# loadpath_library(name SOURCES a.cc … [LINK targets…] [TORCH] [COLD])
#   Its public headers, <loadpath/….h>, lie in the folder include/ beside its sources.
#   TORCH: links LibTorch and reuses its precompiled header.
#   COLD: nothing in it runs long. In a release it is compiled with -O1, which takes two thirds of the time.
function(loadpath_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;COLD" "" "SOURCES;LINK")
  # Headers alone: no program that uses an installed library needs them.
  list(TRANSFORM arg_LINK REPLACE "^(nlohmann_json|CLI11)::.*" "$<BUILD_INTERFACE:\\0>")
  add_library(${name} STATIC ${arg_SOURCES})
  # With CMAKE_UNITY_BUILD the files of one folder are compiled as one: for builds that nobody works in.
  set_target_properties(${name} PROPERTIES UNITY_BUILD_MODE GROUP)
  foreach(source ${arg_SOURCES})
    cmake_path(GET source PARENT_PATH folder)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP "folder ${folder}")
  endforeach()
  string(REPLACE loadpath_ loadpath:: alias ${name})
  if(NOT TARGET ${alias})
    add_library(${alias} ALIAS ${name})
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/include)
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
  endif()
  # Programs that use an installed library do not get our warning flags.
  target_link_libraries(${name} PUBLIC $<BUILD_INTERFACE:loadpath_options> ${arg_LINK})
  if(arg_TORCH)
    loadpath_use_torch(${name} PUBLIC)
  endif()
  if(arg_COLD)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endfunction()

# loadpath_program(name SOURCES a.cc … [LINK targets…] [TORCH])
function(loadpath_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE loadpath_options ${arg_LINK})
  if(arg_TORCH)
    loadpath_use_torch(${name} PRIVATE)
  endif()
endfunction()
