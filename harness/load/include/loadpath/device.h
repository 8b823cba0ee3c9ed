#ifndef LOADPATH_DEVICE_H_
#define LOADPATH_DEVICE_H_

#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <string>

namespace loadpath {

/// A device is not there or not known: what() is one line that says which, and what to do.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns the device that `name` means: "cpu", "cuda" or "cuda:1". Loads libtorch_cuda.so, from LibTorch's own folder,
/// on first use of a CUDA device. (Linking it would add 0.1 to 0.6 s to every start.) Call it before anything else asks
/// LibTorch about CUDA, because LibTorch keeps its first answer. Throws DeviceError.
at::Device OpenDevice(const std::string& name);

/// Turns TF32 off in the whole process, so that outputs of a CUDA device can be compared with those of a CPU. For
/// programs that compare: no library function calls it.
void DisableTf32();

/// Waits until everything that was started on the device is done. Returns at once for the CPU.
void Synchronize(at::Device device);

}  // namespace loadpath

#endif  // LOADPATH_DEVICE_H_
