// torch.save's format since PyTorch 1.6: a zip archive with data.pkl and one record per storage
// (torch/serialization.py, _save and _load), and which of PyTorch's archives a zip file is.
#include "harness/checkpoint/formats/zip/torch_archive.h"
#include "harness/checkpoint/pickle/module_state.h"

namespace loadpath {
namespace {

class TorchZip final : public PickledArchive {
 public:
  TorchZip(std::unique_ptr<Source> file, ZipDirectory found, bool opaque)
      : PickledArchive(std::move(file), std::move(found), opaque) {
    ReadPickle([&](Heap& heap, Value root) { return opaque ? CollectModules(source(), heap, root) : root; });
  }
  std::string_view format() const override { return "zip"; }
};

}  // namespace

std::shared_ptr<const SingleFile> OpenTorchZip(std::unique_ptr<Source> source, ZipDirectory directory,
                                               const OpenOptions& options) {
  return std::make_shared<TorchZip>(std::move(source), std::move(directory), options.opaque);
}

std::shared_ptr<const SingleFile> OpenZip(std::unique_ptr<Source> source, const OpenOptions& options) {
  ZipDirectory directory(*source);
  const auto has = [&](std::string_view name) { return directory.Find(name) != nullptr; };
  if (has("constants.pkl")) return OpenTorchScript(std::move(source), std::move(directory));
  if (has("archive_format")) return OpenTorchExport(std::move(source), std::move(directory), options);
  if (!has("data.pkl") && has("model.json")) {
    source->Fail(ErrorCode::kUnsupported,
                 "is a TorchScript archive of PyTorch 1.2 or older, which is not read here: load it with "
                 "torch.jit.load of a PyTorch that still reads it and save its state_dict with torch.save");
  }
  if (!has("data.pkl") && has(".data/extern_modules")) {
    source->Fail(ErrorCode::kUnsupported,
                 "is a torch.package archive, which holds Python code: load its model with "
                 "torch.package and save its state_dict with torch.save");
  }
  return OpenTorchZip(std::move(source), std::move(directory), options);
}

}  // namespace loadpath
