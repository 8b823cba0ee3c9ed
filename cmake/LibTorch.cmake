# Finds LibTorch and says how targets use it.
#
#   LOADPATH_TORCH_ROOT  the folder that holds include/ and lib/ (default: the wheel in the project's .venv; see
#                        loadpath_find_libtorch)
set(_environment "")
if(EXISTS ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))"
    OUTPUT_VARIABLE _environment OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(APPEND _environment /torch)
  # Alone, the project has its own LibTorch; a part of another project uses that project's.
  if(PROJECT_IS_TOP_LEVEL AND NOT LOADPATH_TORCH_ROOT AND EXISTS ${_environment})
    set(LOADPATH_TORCH_ROOT ${_environment})
  endif()
endif()
include(ImportLibTorch)
loadpath_find_libtorch("${_environment}" "" _error)
if(_error AND PROJECT_IS_TOP_LEVEL)
  message(FATAL_ERROR "${_error} (scripts/setup makes .venv with one)")
elseif(_error)
  message(FATAL_ERROR "${_error} (LOADPATH_TORCH=OFF builds the reader alone, which needs none)")
endif()
message(STATUS "LibTorch ${LibTorch_VERSION} in ${LOADPATH_TORCH_ROOT}")

# One precompiled header holds what nearly every file with LibTorch needs. All of <torch/torch.h> would cost each file 5 s
# more, because it instantiates the templates of all modules every time.
add_library(loadpath_torch_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/torch_pch.cc)
target_link_libraries(loadpath_torch_pch PRIVATE loadpath_options LibTorch)
target_precompile_headers(loadpath_torch_pch PRIVATE <ATen/ATen.h> <torch/nn/module.h>)

function(loadpath_use_torch target visibility)
  target_link_libraries(${target} ${visibility} LibTorch)
  # An executable is otherwise compiled with -fPIE, and the compiler then ignores the precompiled header.
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM loadpath_torch_pch)
endfunction()
