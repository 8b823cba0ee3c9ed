#ifndef LOADPATH_HARNESS_LOAD_DEVICE_H_
#define LOADPATH_HARNESS_LOAD_DEVICE_H_

#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <string>

namespace loadpath {

/// A device that is not there or is not known: what() is one line that says which and what to do.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "cpu", "cuda" or "cuda:1". The first wish for CUDA opens libtorch_cuda.so from LibTorch's own folder (linked in, it
/// would cost every run on the CPU 0.1 to 0.6 s) and turns TF32 off, so that answers can be compared. Ask before
/// anything else asks LibTorch about CUDA: its answer is kept.
at::Device OpenDevice(const std::string& name);

/// Waits until everything that was started on the device is done. Nothing to wait for on the CPU.
void Synchronize(at::Device device);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_DEVICE_H_
