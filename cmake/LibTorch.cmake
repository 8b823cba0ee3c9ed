# LibTorch, and how targets of the project use it.
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
include(ImportLibTorch)
loadpath_import_libtorch(${LOADPATH_TORCH_ROOT} _error)
if(_error)
  message(FATAL_ERROR "${_error}")
endif()
message(STATUS "LibTorch ${LibTorch_VERSION} in ${LOADPATH_TORCH_ROOT}")

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
