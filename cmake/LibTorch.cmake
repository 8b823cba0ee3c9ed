# LibTorch from the `torch` folder of a wheel or from an unpacked LibTorch. TorchConfig.cmake is not used: the wheel's
# insists on a whole CUDA toolkit, which is not needed to compile or to run on a CPU.
#
#   LOADPATH_TORCH_ROOT  the folder that holds include/ and lib/ (default: the project's .venv)
if(NOT LOADPATH_TORCH_ROOT)
  file(GLOB _found LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  list(LENGTH _found _count)
  if(NOT _count EQUAL 1)
    message(FATAL_ERROR "LibTorch was not found in .venv: run scripts/setup, or pass -DLOADPATH_TORCH_ROOT=DIR "
      "(a wheel's torch folder or an unpacked LibTorch)")
  endif()
  set(LOADPATH_TORCH_ROOT ${_found})
endif()
foreach(_file include/ATen/ATen.h lib/libtorch_cpu.so lib/libc10.so)
  if(NOT EXISTS ${LOADPATH_TORCH_ROOT}/${_file})
    message(FATAL_ERROR "${LOADPATH_TORCH_ROOT} is not a LibTorch: it has no ${_file}")
  endif()
endforeach()

# The version stands as three defines; the folder moved between releases.
set(_version "")
foreach(_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(NOT _version AND EXISTS ${LOADPATH_TORCH_ROOT}/include/${_header})
    foreach(_part MAJOR MINOR PATCH)
      file(STRINGS ${LOADPATH_TORCH_ROOT}/include/${_header} _line REGEX "define TORCH_VERSION_${_part} [0-9]")
      string(REGEX REPLACE ".* ([0-9]+).*" "\\1" _number "${_line}")
      list(APPEND _version ${_number})
    endforeach()
    list(JOIN _version "." _version)
  endif()
endforeach()
message(STATUS "LibTorch ${_version} in ${LOADPATH_TORCH_ROOT}")

foreach(_lib c10 torch_cpu torch)
  add_library(LibTorch::${_lib} SHARED IMPORTED GLOBAL)
  set_target_properties(LibTorch::${_lib} PROPERTIES IMPORTED_LOCATION ${LOADPATH_TORCH_ROOT}/lib/lib${_lib}.so)
endforeach()

add_library(LibTorch INTERFACE)
target_include_directories(LibTorch SYSTEM INTERFACE
  ${LOADPATH_TORCH_ROOT}/include ${LOADPATH_TORCH_ROOT}/include/torch/csrc/api/include)
target_compile_definitions(LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1 LOADPATH_TORCH_VERSION="${_version}")
# torch_cpu and c10 alone: libtorch_cuda.so is opened with dlopen when a CUDA device is first wanted. The CUDA libraries
# that torch_cpu itself names may be absent on a CPU machine at link time.
target_link_libraries(LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
target_link_options(LibTorch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${LOADPATH_TORCH_ROOT}/lib)

# One precompiled header for everything that includes LibTorch, of what nearly every file needs. The whole of
# <torch/torch.h> would cost each file 5 s more: it instantiates the templates of all modules anew every time.
add_library(loadpath_torch_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/torch_pch.cc)
target_link_libraries(loadpath_torch_pch PRIVATE loadpath_options LibTorch)
target_precompile_headers(loadpath_torch_pch PRIVATE <ATen/ATen.h> <torch/nn/module.h>)

function(loadpath_use_torch target visibility)
  target_link_libraries(${target} ${visibility} LibTorch)
  # An executable would be compiled with -fPIE, which makes the compiler pass over the precompiled header.
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM loadpath_torch_pch)
endfunction()
