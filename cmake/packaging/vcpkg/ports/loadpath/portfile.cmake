# The reader of checkpoints, without LibTorch. An overlay port that builds the tree it lies in:
#   vcpkg install loadpath --overlay-ports=cmake/packaging/vcpkg/ports
cmake_path(SET SOURCE_PATH NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../../../../..")

vcpkg_check_linkage(ONLY_STATIC_LIBRARY)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DLOADPATH_TORCH=OFF
    -DBUILD_TESTING=OFF
    -DCMAKE_SKIP_INSTALL_ALL_DEPENDENCY=ON) # of the reader the library alone is installed
vcpkg_cmake_build(TARGET loadpath_checkpoint)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/loadpath)

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
