// Tells PyTorch's zip archives apart by the records that they hold.
#include "harness/checkpoint/formats/zip/zip.h"

#include "harness/checkpoint/formats/zip/directory.h"
#include "harness/checkpoint/formats/zip/torch_archive.h"

namespace loadpath {

bool IsZip(std::string_view head) { return head.starts_with("PK\x03\x04"); }

std::shared_ptr<const SingleFile> OpenZip(std::unique_ptr<FileSource> source, const OpenOptions& options) {
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
