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
    add_library(LibTorch::${lib} SHARED IMPORTED)
    set_target_properties(LibTorch::${lib} PROPERTIES IMPORTED_LOCATION ${root}/lib/lib${lib}.so)
  endforeach()
  add_library(LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch INTERFACE ${root}/include ${root}/include/torch/csrc/api/include)
  target_compile_definitions(LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1 LOADPATH_TORCH_VERSION="${version}")
  # Links only torch_cpu and c10; libtorch_cuda.so is opened with dlopen on first use of a CUDA device. torch_cpu names CUDA
  # libraries that a CPU machine may lack at link time, so undefined symbols in shared libraries are allowed.
  target_link_libraries(LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
  target_link_options(LibTorch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${root}/lib)
endfunction()
