#include "harness/checkpoint/formats/formats.h"

#include <algorithm>
#include <vector>

#include "harness/checkpoint/formats/dcp/dcp.h"
#include "harness/checkpoint/formats/legacy/legacy.h"
#include "harness/checkpoint/formats/other_files.h"
#include "harness/checkpoint/formats/safetensors/safetensors.h"
#include "harness/checkpoint/formats/sharded/sharded.h"
#include "harness/checkpoint/formats/zip/zip.h"

namespace loadpath {
namespace {

using R = Format::Recognised;

constexpr std::string_view kZip[] = {"zip", "torchscript", "cpp", "pt2"}, kZipFiles[] = {"pytorch_model.bin"};
constexpr std::string_view kLegacy[] = {"legacy"};
constexpr std::string_view kSafetensors[] = {"safetensors"}, kSafetensorsFiles[] = {"model.safetensors"};
constexpr std::string_view kSharded[] = {"sharded"}, kShardedFiles[] = {"*.safetensors.index.json", "*.bin.index.json"};
constexpr std::string_view kDcp[] = {"dcp"}, kDcpFiles[] = {".metadata"};

constexpr Format kFormats[] = {
    {"zip", kZip, kZipFiles, R::kByMagic, IsZip, OpenZip, nullptr},
    {"legacy", kLegacy, {}, R::kByMagic, IsLegacy, OpenLegacy, nullptr},
    {"dcp", kDcp, kDcpFiles, R::kByMagic, IsDcpMetadata, nullptr, OpenDcp},
    {"sharded", kSharded, kShardedFiles, R::kByShape, IsShardIndex, nullptr, OpenSharded},
    {"safetensors", kSafetensors, kSafetensorsFiles, R::kByShape, IsSafetensors, OpenSafetensors, nullptr},
};

}  // namespace

std::span<const Format> Formats() { return kFormats; }

const Format& RecogniseFormat(const FileSource& file) {
  if (file.size() == 0) file.Fail(ErrorCode::kUnknownFormat, "is empty: write or download it again");
  std::vector<std::byte> bytes(std::min(file.size(), kHeadBytes));
  file.ReadAt(0, bytes);
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (HoldsSafetensors(head, file.size()))
    return *std::ranges::find(kFormats, std::string_view("safetensors"), &Format::folder);
  for (const R recognised : {R::kByMagic, R::kByShape}) {
    for (const Format& format : kFormats) {
      if (format.recognised == recognised && format.is(head)) return format;
    }
    if (recognised == R::kByMagic) RefuseOtherFiles(file, head);
  }
  RefuseUnknownFile(file, head);
}

}  // namespace loadpath
