#include "harness/checkpoint/formats/zip/other_archives.h"

#include <algorithm>

#include "harness/base/error.h"
#include "harness/checkpoint/formats/folder.h"

namespace loadpath {
namespace {

struct Kind {
  bool (*is)(std::string_view name);  // of any record
  std::string_view sentence;
};

// The first that fits counts.
constexpr Kind kKinds[] = {
    {[](std::string_view name) { return name.starts_with("serialized_exported_program."); },
     "is a torch.export archive of PyTorch 2.7 or older: load it with torch.export.load and save its state_dict with "
     "torch.save"},
    {[](std::string_view name) { return name.ends_with(".dist-info/METADATA"); },
     "is a Python wheel, not a PyTorch checkpoint: name a checkpoint file"},
    {[](std::string_view name) { return name == "AndroidManifest.xml"; },
     "is an Android package, not a PyTorch checkpoint: name a checkpoint file"},
    {[](std::string_view name) { return name == "META-INF/MANIFEST.MF"; },
     "is a Java archive, not a PyTorch checkpoint: name a checkpoint file"},
    {[](std::string_view name) { return name == "[Content_Types].xml" || name == "mimetype"; },
     "is an office document or a book, not a PyTorch checkpoint: name a checkpoint file"},
    {[](std::string_view name) { return name == "model.weights.h5"; },
     "is a Keras model, not a PyTorch checkpoint: name a checkpoint file"},
    {[](std::string_view name) { return name.ends_with(".npy"); },
     "is a NumPy .npz archive, not a PyTorch checkpoint: save its arrays with torch.save"},
};

}  // namespace

std::string OtherArchive(const ZipDirectory& directory) {
  const auto first = [&](const auto& is) {
    const auto found =
        std::ranges::find_if(directory.records(), [&](const ZipRecord& record) { return is(directory.name(record)); });
    return found == directory.records().end() ? std::string_view() : directory.name(*found);
  };
  for (const Kind& kind : kKinds) {
    if (!first(kind.is).empty()) return std::string(kind.sentence);
  }
  const auto is_pickle = [](std::string_view name) { return name == "data.pkl" || name.ends_with("/data.pkl"); };
  if (!first(is_pickle).empty())
    return "is a zip archive, but not one that torch.save wrote: its records do not lie in one folder";
  const std::string_view inside = first([](std::string_view name) { return NamedLikeCheckpoint(name); });
  if (!inside.empty()) return "is a zip archive that holds " + std::string(inside) + ": unpack it and name that file";
  return "is a zip archive of " + Counted(directory.records().size(), "record") +
         " without data.pkl, not a PyTorch checkpoint: name a checkpoint file";
}

}  // namespace loadpath
