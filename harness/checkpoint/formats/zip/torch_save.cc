// torch.save's format since PyTorch 1.6: a zip archive with data.pkl and one record per storage
// (torch/serialization.py, _save and _load).
#include "harness/checkpoint/formats/zip/torch_archive.h"
#include "harness/checkpoint/pickle/module_state.h"

namespace loadpath {
namespace {

class TorchZip final : public PickledArchive {
 public:
  TorchZip(std::unique_ptr<FileSource> file, ZipDirectory found, bool opaque)
      : PickledArchive(std::move(file), std::move(found), opaque) {
    ReadPickle([&](Heap& heap, Value root) { return opaque ? CollectModules(source(), heap, root) : root; });
  }
  std::string_view format() const override { return "zip"; }
};

}  // namespace

std::shared_ptr<const SingleFile> OpenTorchZip(std::unique_ptr<FileSource> source, ZipDirectory directory,
                                               const OpenOptions& options) {
  return std::make_shared<TorchZip>(std::move(source), std::move(directory), options.opaque);
}

}  // namespace loadpath
