# loadpath_import_libtorch(root error)
#   Defines the target LibTorch over include/ and lib/ below `root` (the `torch` folder of a wheel, or an unpacked LibTorch)
#   and sets LibTorch_VERSION in the caller's scope. If `root` is no LibTorch, sets the variable `error` to a sentence;
#   otherwise sets it to nothing.
#
# The wheel's TorchConfig.cmake is not used: it requires a CUDA toolkit, which a CPU needs neither to compile nor to run. This
# file is installed beside the package's configuration, which includes it.
function(loadpath_import_libtorch root error)
  set(${error} "" PARENT_SCOPE)
  foreach(file include/ATen/ATen.h lib/libtorch_cpu.so lib/libc10.so)
    if(NOT EXISTS ${root}/${file})
      set(${error} "${root} is not a LibTorch: it has no ${file}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  # The version is three #defines, in a header whose folder changed between releases.
  set(version "")
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(NOT version AND EXISTS ${root}/include/${header})
      foreach(part MAJOR MINOR PATCH)
        file(STRINGS ${root}/include/${header} line REGEX "define TORCH_VERSION_${part} [0-9]")
        string(REGEX REPLACE ".* ([0-9]+).*" "\\1" number "${line}")
        list(APPEND version ${number})
      endforeach()
      list(JOIN version "." version)
    endif()
  endforeach()
  set(LibTorch_VERSION ${version} PARENT_SCOPE)

  foreach(lib c10 torch_cpu)
    add_library(LibTorch::${lib} SHARED IMPORTED GLOBAL)
    set_target_properties(LibTorch::${lib} PROPERTIES IMPORTED_LOCATION ${root}/lib/lib${lib}.so)
  endforeach()
  add_library(LibTorch INTERFACE IMPORTED GLOBAL)
  target_include_directories(LibTorch INTERFACE ${root}/include ${root}/include/torch/csrc/api/include)
  target_compile_definitions(LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1 LOADPATH_TORCH_VERSION="${version}")
  # Links only torch_cpu and c10; libtorch_cuda.so is opened with dlopen on first use of a CUDA device. torch_cpu names CUDA
  # libraries that a CPU machine may lack at link time, so undefined symbols in shared libraries are allowed.
  target_link_libraries(LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
  target_link_options(LibTorch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${root}/lib)
endfunction()

# loadpath_find_libtorch(fallback wanted error)
#   Makes sure that there is a target LibTorch, and sets LibTorch_VERSION and LOADPATH_TORCH_ROOT in the caller's scope. Takes
#   the first of: a target LibTorch of the project; LOADPATH_TORCH_ROOT; a target torch of the project (find_package(Torch));
#   Torch_DIR and CMAKE_PREFIX_PATH; `fallback`, a folder that may be absent. If there is none, sets the variable `error` to a
#   sentence, which names `wanted`, a version or nothing.
function(loadpath_find_libtorch fallback wanted error)
  set(${error} "" PARENT_SCOPE)
  if(TARGET LibTorch)
    return()
  endif()
  set(root ${LOADPATH_TORCH_ROOT})
  if(NOT root AND TARGET torch)
    add_library(LibTorch INTERFACE IMPORTED GLOBAL)
    target_link_libraries(LibTorch INTERFACE torch)
    target_include_directories(LibTorch INTERFACE ${TORCH_INCLUDE_DIRS})
    target_compile_definitions(LibTorch INTERFACE LOADPATH_TORCH_VERSION="${Torch_VERSION}")
    set(LibTorch_VERSION ${Torch_VERSION} PARENT_SCOPE)
    return()
  endif()
  if(NOT root)
    find_path(Torch_DIR TorchConfig.cmake PATH_SUFFIXES share/cmake/Torch)
    if(Torch_DIR)
      cmake_path(SET root NORMALIZE ${Torch_DIR}/../../..)
    elseif(EXISTS "${fallback}/lib/libtorch_cpu.so")
      set(root ${fallback})
    else()
      string(STRIP "an unpacked LibTorch ${wanted}" unpacked)
      set(${error} "LibTorch was not found: pass -DLOADPATH_TORCH_ROOT=DIR, a wheel's torch folder or ${unpacked}" PARENT_SCOPE)
      return()
    endif()
  endif()
  loadpath_import_libtorch(${root} problem)
  set(${error} "${problem}" PARENT_SCOPE)
  set(LibTorch_VERSION ${LibTorch_VERSION} PARENT_SCOPE)
  set(LOADPATH_TORCH_ROOT ${root} PARENT_SCOPE)
endfunction()
