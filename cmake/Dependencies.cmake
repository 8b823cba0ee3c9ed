# Finds libraries among the system's packages (scripts/setup installs them) and fetches those that are missing at the commit
# of a release. FETCHCONTENT_TRY_FIND_PACKAGE_MODE=NEVER fetches all of them.
include(FetchContent)
# GLOBAL: a project that this is a part of links our libraries in folders of its own.
find_package(Threads REQUIRED GLOBAL)
find_package(ZLIB REQUIRED GLOBAL)
find_package(OpenSSL REQUIRED GLOBAL COMPONENTS Crypto)

set(JSON_BuildTests OFF)
set(CLI11_BUILD_TESTS OFF)
set(BENCHMARK_ENABLE_TESTING OFF)
set(BENCHMARK_ENABLE_INSTALL ${LOADPATH_INSTALL}) # the installed suite links it
set(INSTALL_GTEST OFF)
set(LIBDEFLATE_BUILD_SHARED_LIB OFF)
set(LIBDEFLATE_BUILD_GZIP OFF)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # their option() keeps the values above

FetchContent_Declare(nlohmann_json SYSTEM
  GIT_REPOSITORY https://github.com/nlohmann/json.git GIT_TAG 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03 # v3.11.3
  FIND_PACKAGE_ARGS 3.9 GLOBAL)
FetchContent_Declare(CLI11 SYSTEM
  GIT_REPOSITORY https://github.com/CLIUtils/CLI11.git GIT_TAG 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9 # v2.4.2
  FIND_PACKAGE_ARGS GLOBAL)
FetchContent_Declare(benchmark SYSTEM
  GIT_REPOSITORY https://github.com/google/benchmark.git GIT_TAG 344117638c8ff7e239044fd0fa7085839fc03021 # v1.8.3
  FIND_PACKAGE_ARGS GLOBAL)
FetchContent_MakeAvailable(nlohmann_json)
if(LOADPATH_TORCH)
  FetchContent_MakeAvailable(CLI11 benchmark)
endif()

if(LOADPATH_TESTS)
  FetchContent_Declare(googletest SYSTEM
    GIT_REPOSITORY https://github.com/google/googletest.git GIT_TAG f8d7d77c06936315286eb55f8de22cd23c188571 # v1.14.0
    FIND_PACKAGE_ARGS NAMES GTest)
  FetchContent_MakeAvailable(googletest)
  include(GoogleTest)
endif()

if(NOT FETCHCONTENT_TRY_FIND_PACKAGE_MODE STREQUAL "NEVER")
  include(ImportLibdeflate)
endif()
if(NOT TARGET loadpath::libdeflate)
  FetchContent_Declare(libdeflate SYSTEM
    GIT_REPOSITORY https://github.com/ebiggers/libdeflate.git GIT_TAG 275aa5141db6eda3587214e0f1d3a134768f557d) # v1.20
  FetchContent_MakeAvailable(libdeflate)
  add_library(loadpath::libdeflate INTERFACE IMPORTED GLOBAL)
  target_link_libraries(loadpath::libdeflate INTERFACE libdeflate_static)
endif()
