#include "tests/fuzz/read_everything.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "loadpath/checkpoint.h"

namespace loadpath::fuzz {
namespace {

constexpr std::uint64_t kSaneBytes = std::uint64_t{1} << 20;
constexpr std::size_t kSaneNodes = 100'000;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void CheckTensor(const Checkpoint& checkpoint, const TensorView& view) {
  Check(view.shape.size() == view.stride.size(), "shape and stride have equal length");
  Check(view.storage < checkpoint.storages().size(), "a tensor's storage exists");
  const std::uint64_t item = ItemSize(view.dtype), storage = checkpoint.storages()[view.storage].nbytes;
  std::uint64_t last = static_cast<std::uint64_t>(view.storage_offset);
  for (std::size_t d = 0; d < view.shape.size(); ++d) {
    Check(view.shape[d] >= 0 && view.stride[d] >= 0, "extents and strides are not negative");
    if (view.numel() > 0)
      last += static_cast<std::uint64_t>(view.shape[d] - 1) * static_cast<std::uint64_t>(view.stride[d]);
  }
  Check(view.numel() == 0 || (last + 1) * item <= storage, "every element lies in its storage");
  if (view.nbytes() > kSaneBytes || storage > kSaneBytes) return;
  const std::vector<std::byte> bytes = ReadTensor(checkpoint, view, {.threads = 1});
  Check(bytes.size() == view.nbytes(), "a tensor has its bytes");
  Check(bytes == ReadTensor(checkpoint, view, {.threads = 1, .crc = CrcMode::kOff}),
        "reading twice gives the same bytes");
}

void CheckStorage(const Checkpoint& checkpoint, StorageId id) {
  const std::uint64_t nbytes = checkpoint.storages()[id].nbytes;
  if (nbytes > kSaneBytes) return;
  if (const auto extent = checkpoint.Locate(id)) {
    struct stat status {};
    Check(nbytes == 0 || (extent->file < checkpoint.file_count() && ::fstat(checkpoint.fd(extent->file), &status) == 0),
          "a located storage's file is open");
    Check(nbytes == 0 || (extent->length >= nbytes &&
                          extent->offset + extent->length <= static_cast<std::uint64_t>(status.st_size)),
          "a located storage lies in its file");
  }
  std::vector<std::byte> whole(nbytes), halves(nbytes);
  const ReadJob all{id, 0, whole};
  checkpoint.Read({&all, 1}, {.threads = 1});
  const std::size_t half = nbytes / 2;
  const ReadJob parts[] = {{id, 0, std::span(halves).first(half)}, {id, half, std::span(halves).subspan(half)}};
  checkpoint.Read(parts, {.threads = 1});
  Check(whole == halves, "a storage read in two parts is the storage");
}

// `open` returns the checkpoint, whose name begins with a slash.
template <typename Open>
void ReadOpened(const Open& open) {
  try {
    const std::shared_ptr<const Checkpoint> checkpoint = open();
    const Tree& tree = checkpoint->tree();
    if (tree.size() > kSaneNodes) return;
    tree.Walk(tree.root(), [&](const std::vector<std::string>&, NodeId node) {
      static_cast<void>(tree.ShortText(node));
      static_cast<void>(tree.TypeText(node));
      if (tree.kind(node) == NodeKind::kStorage)
        Check(tree.storage(node) < checkpoint->storages().size(), "a storage value exists");
      return true;
    });
    for (const TensorPath& place : ListTensors(tree, tree.root())) CheckTensor(*checkpoint, tree.tensor(place.node));
    for (StorageId id = 0; id < checkpoint->storages().size(); ++id) CheckStorage(*checkpoint, id);
  } catch (const CheckpointError& error) {
    const std::string line = error.what();
    Check(line.starts_with("/"), "an error names the file");
    Check(std::ranges::none_of(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
          "an error is one printable line");
    Check(!error.sentence().empty(), "an error says what is wrong");
  }
}

}  // namespace

void ReadEverything(const std::string& path, bool opaque) {
  ReadOpened([&] { return Checkpoint::Open(path, {.opaque = opaque}); });
}

void ReadEverything(std::span<const std::uint8_t> bytes, bool opaque) {
  ReadOpened([&] { return Checkpoint::FromMemory(std::as_bytes(bytes), "/memory", {.opaque = opaque}); });
}

}  // namespace loadpath::fuzz
