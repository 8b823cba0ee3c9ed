# Defines the target loadpath::libdeflate if the system has the library. Debian 12 has no CMake package for it. This file is
# installed beside the package's configuration, which includes it.
find_path(LIBDEFLATE_INCLUDE libdeflate.h HINTS ${PACKAGE_PREFIX_DIR}/include)
find_library(LIBDEFLATE_LIBRARY deflate HINTS ${PACKAGE_PREFIX_DIR}/lib)
mark_as_advanced(LIBDEFLATE_INCLUDE LIBDEFLATE_LIBRARY)
if(LIBDEFLATE_INCLUDE AND LIBDEFLATE_LIBRARY AND NOT TARGET loadpath::libdeflate)
  add_library(loadpath::libdeflate INTERFACE IMPORTED GLOBAL)
  target_include_directories(loadpath::libdeflate INTERFACE ${LIBDEFLATE_INCLUDE})
  target_link_libraries(loadpath::libdeflate INTERFACE ${LIBDEFLATE_LIBRARY})
endif()
