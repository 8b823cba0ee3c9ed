# loadpath_import_libtorch(root error): the target LibTorch over the include/ and lib/ below `root`, which is the `torch`
# folder of a wheel or an unpacked LibTorch; LibTorch_VERSION in the caller's scope; what is wrong with `root`, or nothing,
# in the variable `error`. TorchConfig.cmake is not used: the wheel's insists on a whole CUDA toolkit, which is not needed
# to compile or to run on a CPU. Installed beside the package's configuration, which uses it too.
function(loadpath_import_libtorch root error)
  set(${error} "" PARENT_SCOPE)
  foreach(file include/ATen/ATen.h lib/libtorch_cpu.so lib/libc10.so)
    if(NOT EXISTS ${root}/${file})
      set(${error} "${root} is not a LibTorch: it has no ${file}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  # The version stands as three defines; the folder moved between releases.
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
  # torch_cpu and c10 alone: libtorch_cuda.so is opened with dlopen when a CUDA device is first wanted. The CUDA libraries
  # that torch_cpu itself names may be absent on a CPU machine at link time.
  target_link_libraries(LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
  target_link_options(LibTorch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${root}/lib)
endfunction()
