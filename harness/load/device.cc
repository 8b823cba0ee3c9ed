#include "loadpath/device.h"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <string>

#include "harness/base/error.h"

namespace loadpath {
namespace {

// Returns the folder that libtorch_cpu.so was loaded from.
std::string LibTorchFolder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string file = info.dli_fname;
  const auto slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

int CountCuda() {
  // Never closed: LibTorch registers its operators for the rest of the process.
  static const bool opened = dlopen((LibTorchFolder() + "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr;
  if (!opened) {
    const char* why = dlerror();
    throw DeviceError("device cuda: this LibTorch has no usable CUDA part (" +
                      std::string(why ? why : "libtorch_cuda.so") + ")");
  }
  try {
    return static_cast<int>(c10::impl::VirtualGuardImpl(c10::kCUDA).deviceCount());
  } catch (const c10::Error&) {
    return 0;
  }
}

}  // namespace

at::Device OpenDevice(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  std::optional<at::Device> device;
  try {
    device.emplace(name);
  } catch (const c10::Error&) {
  }
  if (!device || !device->is_cuda()) throw UsageError("device " + name + ": not known; use cpu, cuda or cuda:N");
  const int count = CountCuda();
  const int index = device->has_index() ? device->index() : 0;
  if (count == 0) throw DeviceError("device " + name + ": LibTorch finds no CUDA GPU on this machine");
  if (index >= count) {
    throw DeviceError("device " + name + ": there are " + std::to_string(count) +
                      " CUDA GPUs, cuda:0 to cuda:" + std::to_string(count - 1));
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void DisableTf32() {
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
}

void Synchronize(at::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace loadpath
